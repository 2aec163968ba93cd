"""What a check says when its probe failed: Azure's reasons, and a command for who was refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from kitaru_iac.checks.checklist import Checklist
from kitaru_iac.checks.commands import note
from kitaru_iac.checks.model import Check, Verdict, fail, ok, unknown, warn
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import Denied, NotFound, Outcome, Probe, ProbeError, Unavailable
from kitaru_iac.clouds.azure.catalog import CATALOG
from kitaru_iac.clouds.azure.commands import assign, az
from kitaru_iac.clouds.azure.decisions import Judged, judge
from kitaru_iac.clouds.azure.observations import Principal, Raw, Rights, subscription_of, text
from kitaru_iac.clouds.azure.permission_table import (
    LOOKING,
    READER,
    AzurePermission,
    Resource,
    is_data,
)
from kitaru_iac.clouds.azure.permissions import built_in, scope_of
from kitaru_iac.clouds.azure.probes import AzureProbes
from kitaru_iac.clouds.azure.resources import AzureResources, location_of

__all__ = ["About", "checklist", "evaluate_region", "evaluate_rights"]

T = TypeVar("T")

_UNSEEN = "not looked at: deny assignments, and grants of the last minutes"
_CONDITIONS_UNSEEN = (
    "not looked at: deny assignments, conditions of role assignments, and grants of the last "
    "minutes"
)


def checklist(probes: AzureProbes, resources: AzureResources) -> Checklist[Principal]:
    """Make the checks of one run."""
    who_am_i = az("account", "show")

    def grant(error: Denied, caller: Outcome[Principal]) -> str:
        if not isinstance(caller, Principal) or resources.subscription is None:
            return note(who_am_i, f"and have {error.permission or READER} granted")
        permission = (error.permission or "").lower()
        role, resource = LOOKING.get(permission, (READER, Resource.SUBSCRIPTION))
        return note(
            assign(caller.object_id, role, scope_of(resource, resources), kind=caller.kind),
            f"by an owner; or a role with {error.permission} alone: kitaru stack policy"
            if error.permission
            else "by an owner",
        )

    return Checklist(
        CATALOG,
        probes.caller,
        credentials="azure.credentials",
        who_am_i=who_am_i,
        grant=grant,
    )


class About:
    """The checks about one thing, in the order in which they are added.

    Args:
        checklist: Makes them.
        subject: The thing.
        create: The command that makes it, should it turn out not to exist.
    """

    def __init__(
        self, checklist: Checklist[Principal], subject: str, create: str | None = None
    ) -> None:
        self._checklist = checklist
        self._subject = subject
        self._create = create
        self.made: list[Check[object]] = []

    def add(
        self,
        name: str,
        probe: Probe[T],
        evaluate: Callable[[T], Verdict],
        *,
        subject: str | None = None,
        absent: str | None = None,
        on_error: Callable[[ProbeError], Verdict | None] | None = None,
    ) -> None:
        """Add a check of the catalog.

        Args:
            name: Its id there.
            probe: Asks.
            evaluate: Evaluates the answer.
            subject: What is looked at, where it is something else.
            absent: The command that mends it, where it fails if the thing does not exist.
            on_error: May evaluate some other failures of the probe.
        """

        def failed(error: ProbeError) -> Verdict | None:
            if on_error is not None:
                return on_error(error)
            if absent is None or not isinstance(error, NotFound):
                return None
            return fail(error.why, error.remedy or absent)

        def evaluated(seen: T) -> Verdict:
            try:
                return evaluate(seen)
            except Unavailable as error:  # a property that nobody understands
                return unknown(f"not looked at: {error.why}", az("account", "show"))

        made = self._checklist.check(
            name,
            subject or self._subject,
            probe,
            evaluated,
            on_error=failed,
            create=self._create,
        )
        self.made.append(made)


def evaluate_rights(
    seen: Iterable[tuple[Rights, tuple[AzurePermission, ...]]],
    identity: Identity,
    *,
    abac: bool | None = None,
) -> Verdict:
    """What somebody's roles say about everything that is needed.

    A condition of an assignment is evaluated by nobody here: unknown.

    Args:
        seen: The rights at each scope, with what is needed there.
        identity: As what it is needed, for the built-in role that a remedy names.
        abac: Whether a registry takes roles on repositories.
    """
    conditional: list[str] = []
    who, who_id, subscription = "nobody", None, None
    allowed, unseen = 0, _UNSEEN
    for rights, needed in seen:
        judged = judge(rights, needed)
        who, who_id = rights.principal.name, rights.principal.object_id
        subscription = subscription_of(rights.scope)
        if judged.missing:
            role = built_in(identity, needed[0].resource, abac=abac)
            remedy = assign(
                rights.principal.object_id,
                role or "ROLE",
                rights.scope,
                kind=rights.principal.kind,
            )
            why = f"no role of {who} at {rights.scope} or above allows {', '.join(judged.missing)}"
            remedy = remedy if role else note(remedy, "a role from: kitaru stack policy")
            if _may_be_delegated(rights, judged, identity):
                whose = (
                    "what a tenant that manages the subscription is delegated (Azure Lighthouse) "
                    "is no assignment, and was not looked at"
                    if rights.is_managed
                    else "whether a tenant manages the subscription (Azure Lighthouse), whose "
                    "rights are no assignments, was not seen"
                )
                return unknown(f"{why}; {whose}", remedy)
            return fail(why, remedy)
        conditional += judged.conditional
        allowed += len(judged.allowed)
        if rights.assigned is None:
            unseen = _CONDITIONS_UNSEEN
    if conditional or not allowed:
        return unknown(
            f"{who} may {', '.join(conditional)} under a condition of the role assignment only"
            if conditional
            else "nothing is known to be needed",
            az(
                "role",
                "assignment",
                "list",
                assignee=who_id or "OBJECT_ID",
                all=True,
                subscription=subscription,
            ),
        )
    return ok(f"{who} may do all that is needed ({allowed} of {allowed} operations)", unseen)


def _may_be_delegated(rights: Rights, judged: Judged, identity: Identity) -> bool:
    """Whether what no assignment allows may be a managing tenant's by delegation.

    That is given to its people and applications, not to identities of the resources, and never on
    data. The caller's own is told with its rights.
    https://learn.microsoft.com/azure/lighthouse/concepts/tenants-users-roles
    """
    return (
        rights.is_managed is not False
        and identity is Identity.CONNECTOR
        and not rights.principal.is_caller
        and not any(map(is_data, judged.missing))
    )


def evaluate_region(seen: Raw, location: str, show: str, consequence: str = "") -> Verdict:
    """Tell where runs are, against what the description says.

    Args:
        seen: The workspace or cluster.
        location: What the description says.
        show: The command that shows it.
        consequence: What follows where they differ, after the sentence.
    """
    where = text(seen, "location")
    if not where:
        return unknown("Azure does not say where it is", show)
    if location_of(where) == location_of(location):
        return ok(f"it is in {where}")
    return warn(
        f"it is in {where}, and the description says {location}{consequence}",
        note(show, f"or set region: {location_of(where)}"),
    )
