"""The evaluations about who looks, and what everything stands in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kitaru_iac.checks.checklist import Checklist
from kitaru_iac.checks.commands import note
from kitaru_iac.checks.model import Check, Verdict, fail, ok, unknown, warn
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import (
    NoCredentials,
    NotFound,
    Outcome,
    Probe,
    ProbeError,
    Skipped,
    all_of,
)
from kitaru_iac.clouds.azure.commands import az
from kitaru_iac.clouds.azure.explain import About, evaluate_rights
from kitaru_iac.clouds.azure.observations import (
    Caller,
    Principal,
    Raw,
    Rights,
    known_text,
    subscription_of,
    text,
)
from kitaru_iac.clouds.azure.permission_table import AzurePermission
from kitaru_iac.clouds.azure.probes import AzureProbes
from kitaru_iac.clouds.azure.resources import AzureResources

__all__ = [
    "access_check",
    "credential_checks",
    "evaluate_providers",
    "evaluate_subscription",
    "namespaces",
]


def credential_checks(
    checklist: Checklist[Principal],
    probes: AzureProbes,
    r: AzureResources,
    described_as: str,
    connector: Probe[Principal],
) -> list[Check[object]]:
    """Who the credentials are, and the subscription and group that they look into."""
    about = About(checklist, r.subscription or "the only one")
    made = checklist.check(
        "azure.credentials", described_as, probes.session, evaluate_caller, on_error=_refused
    )
    about.made.append(made)
    about.add(
        "azure.subscription",
        _seen_by(probes.subscription, connector),
        lambda seen: evaluate_subscription(*seen),
    )
    wanted = namespaces(r)
    if wanted:
        about.add(
            "azure.providers",
            _registrations(probes, wanted),
            lambda seen: evaluate_providers(seen, r),
            subject=", ".join(wanted),
        )
    if r.group is not None and (r.workspace or r.cluster):
        create = az(
            "group",
            "create",
            name=r.group,
            location=r.location or "LOCATION",
            subscription=r.subscription,
        )
        about.add(
            "azure.resource_group",
            probes.group,
            evaluate_group,
            subject=r.group,
            absent=create,
        )
    return about.made


def _registrations(
    probes: AzureProbes, wanted: tuple[str, ...]
) -> Probe[Mapping[str, Outcome[Raw]]]:
    """The registration of each provider, or why it was not seen."""

    def run(_caller: Caller, *seen: Outcome[Raw]) -> Mapping[str, Outcome[Raw]]:
        return dict(zip(wanted, seen, strict=True))

    answers = tuple(probes.provider(one) for one in wanted)
    return Probe(
        "the resource providers", run, requires=(probes.session,), after=answers, inline=True
    )


def _seen_by(
    subscription: Probe[Raw], connector: Probe[Principal]
) -> Probe[tuple[Outcome[Raw], Outcome[Principal]]]:
    """The subscription, and who the connector is: a refusal means more where it was refused."""

    def run(seen: Outcome[Raw], who: Outcome[Principal]) -> tuple[Outcome[Raw], Outcome[Principal]]:
        if isinstance(seen, ProbeError) and not isinstance(seen, Skipped):
            raise seen
        return seen, who

    return Probe(subscription.name, run, after=(subscription, connector), inline=True)


def namespaces(r: AzureResources) -> tuple[str, ...]:
    """The resource providers of what the stack uses."""
    used = {
        "Microsoft.Storage": r.container,
        "Microsoft.ContainerRegistry": r.registry,
        "Microsoft.ContainerService": r.cluster,
        "Microsoft.MachineLearningServices": r.workspace,
        "Microsoft.KeyVault": r.workspace,
        "Microsoft.Insights": r.workspace,
    }
    return tuple(name for name, thing in used.items() if thing is not None)


def _refused(error: ProbeError) -> Verdict | None:
    if not isinstance(error, NoCredentials):
        return None
    return fail(error.why, error.remedy or az("login"))


def evaluate_caller(caller: Caller) -> Verdict:
    """Anybody whose token says who they are."""
    if caller.object_id is None:
        return unknown(
            "Entra gave a token that does not say whose it is", az("account", "get-access-token")
        )
    return ok(f"they are {caller.shown}")


def evaluate_subscription(seen: Outcome[Raw], connector: Outcome[Principal]) -> Verdict:
    """Its state. Whether a foreign one is the connector's problem depends on who was asked."""
    if isinstance(seen, ProbeError):
        is_connector = isinstance(connector, Principal) and connector.is_caller
        remedy = seen.remedy or az("account", "list")
        if is_connector:
            return fail(seen.why, remedy)
        return unknown(f"{seen.why}; whether the connector sees as much is not known", remedy)
    number, state = known_text(seen, "subscriptionId"), text(seen, "state")
    named = f"{text(seen, 'displayName') or 'it'} ({number})"
    remedy = az("account", "show", subscription=number)
    if state == "Enabled":
        return ok(f"{named} is enabled")
    if state in {"Warned", "PastDue"}:
        return warn(f"{named} is {state}: it is about to be disabled", remedy)
    if state in {"Disabled", "Deleted", "Expired"}:
        return fail(f"{named} is {state}: nothing can be made or run in it", remedy)
    return unknown(f"{named} is in the state {state}, which is not known here", remedy)


def evaluate_providers(seen: Mapping[str, Outcome[Raw]], r: AzureResources) -> Verdict:
    """All of them; one that is not registered decides, whatever else was not seen."""
    unseen: list[ProbeError] = []
    under_way: list[str] = []
    for namespace, answer in seen.items():
        register = az(
            "provider", "register", namespace=namespace, wait=True, subscription=r.subscription
        )
        if isinstance(answer, NotFound):
            return fail(f"Azure knows no resource provider {namespace}: {answer.why}", register)
        if isinstance(answer, ProbeError):
            unseen.append(answer)
            continue
        state = text(answer, "registrationState")
        if state in {"NotRegistered", "Unregistered", "Unregistering"}:
            return fail(
                f"{namespace} is {state}; registering takes a right on the whole subscription",
                register,
            )
        if state == "Registering":
            under_way.append(register)
        elif state != "Registered":
            unseen.append(ProbeError(f"{namespace} is in the state {state}", register))
    if unseen:
        first = unseen[0]
        return unknown(
            f"not looked at: {first.why}",
            first.remedy or az("provider", "list", subscription=r.subscription),
            first.permission,
        )
    if under_way:
        return warn("one is being registered, which takes minutes", under_way[0])
    return ok(f"registered: {', '.join(seen)}")


def evaluate_group(group: Raw) -> Verdict:
    """It is not being deleted."""
    name, state = known_text(group, "name"), text(group, "properties", "provisioningState")
    subscription = subscription_of(known_text(group, "id"))
    show = az("group", "show", name=name, subscription=subscription)
    if state == "Succeeded":
        return ok(f"{name} is in {text(group, 'location')}")
    if state == "Deleting":
        return fail(
            f"{name} is being deleted",
            az("group", "wait", name=name, deleted=True, subscription=subscription),
        )
    return unknown(f"{name} is in the state {state}", show)


def access_check(
    checklist: Checklist[Principal],
    name: str,
    subject: str,
    needed: Sequence[tuple[Probe[Rights], tuple[AzurePermission, ...]]],
    create: str | None = None,
) -> Check[object]:
    """A check of what the connector may do at one or more scopes.

    Args:
        checklist: Makes it.
        name: Its id in the catalog.
        subject: Who the connector is.
        needed: What it has at each scope, and what it needs there.
        create: The command that makes the thing, should it turn out not to exist.
    """
    asked = [(probe, rows) for probe, rows in needed if rows]
    together: Probe[tuple[object, ...]] = all_of(*(probe for probe, _ in asked))

    def evaluate(seen: tuple[object, ...]) -> Verdict:
        pairs = []
        for rights, (_, rows) in zip(seen, asked, strict=True):
            assert isinstance(rights, Rights)
            pairs.append((rights, rows))
        return evaluate_rights(pairs, Identity.CONNECTOR)

    return checklist.check(name, subject, together, evaluate, create=create)


def skipped_connector(reason: str) -> Skipped:
    """Say that nobody told whose rights count."""
    return Skipped(
        reason,
        note(az("account", "show"), "run where the connector's identity is, or give --credentials"),
    )
