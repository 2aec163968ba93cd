"""The evaluations about the AzureML workspace."""

from __future__ import annotations

from kitaru_iac.checks.checklist import Checklist
from kitaru_iac.checks.commands import note
from kitaru_iac.checks.model import Check, Verdict, fail, ok, unknown, warn
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import NotFound, Probe, all_of
from kitaru_iac.clouds.azure.commands import az, of, show
from kitaru_iac.clouds.azure.explain import About, evaluate_region
from kitaru_iac.clouds.azure.observations import (
    Attached,
    Principal,
    Raw,
    flag,
    group_of,
    known_text,
    subscription_of,
    text,
    texts,
    within,
)
from kitaru_iac.clouds.azure.permission_table import Resource
from kitaru_iac.clouds.azure.permissions import permissions_for
from kitaru_iac.clouds.azure.probes import AzureProbes
from kitaru_iac.clouds.azure.resources import AzureResources
from kitaru_iac.clouds.azure.verify_identity import access_check
from kitaru_iac.clouds.azure.verify_registry import evaluate_registry_rights

__all__ = [
    "evaluate_attached",
    "evaluate_identity",
    "evaluate_kind",
    "evaluate_network",
    "evaluate_workspace",
    "workspace_checks",
]


def workspace_checks(
    checklist: Checklist[Principal],
    probes: AzureProbes,
    r: AzureResources,
    connector: Probe[Principal],
    subject: str,
) -> list[Check[object]]:
    """The checks of the workspace that the description names.

    Args:
        checklist: Makes them.
        probes: What is asked.
        r: What the description names.
        connector: The identity that the connector is.
        subject: The same in words.
    """
    create = az(
        "ml",
        "workspace",
        "create",
        name=r.workspace,
        resource_group=r.group,
        location=r.location,
        subscription=r.subscription,
    )
    about = About(checklist, str(r.workspace), create)
    about.add("azure.workspace.exists", probes.workspace, evaluate_workspace, absent=create)
    about.add("azure.workspace.kind", probes.workspace, evaluate_kind)
    if r.location is not None:
        location = r.location
        about.add(
            "azure.workspace.region",
            probes.workspace,
            lambda seen: evaluate_region(seen, location, _show(seen), ": runs are where it is"),
        )
    about.add(
        "azure.workspace.attached",
        all_of(probes.workspace, probes.attached),
        lambda seen: evaluate_attached(*seen),
    )
    about.add("azure.workspace.identity", probes.workspace, evaluate_identity)
    about.add("azure.workspace.network", probes.workspace, evaluate_network)
    if r.registry is not None:
        about.add(
            "azure.workspace.pull",
            all_of(probes.registry, probes.rights_on_registry(probes.workspace_identity)),
            lambda seen: evaluate_registry_rights(*seen, Identity.PULL, r),
        )
    rows = permissions_for(r, Identity.CONNECTOR, Resource.WORKSPACE)
    rights = probes.rights("the workspace", probes.workspace_id, connector)
    about.made.append(
        access_check(
            checklist, "azure.connector.workspace_access", subject, [(rights, rows)], create
        )
    )
    return about.made


def _show(workspace: Raw) -> str:
    return az("ml", "workspace", "show", **of(known_text(workspace, "id")))


def evaluate_workspace(workspace: Raw) -> Verdict:
    """Whether it was made to its end."""
    state = text(workspace, "properties", "provisioningState")
    if state == "Succeeded":
        return ok("it is there")
    if state in {"Creating", "Updating", "Unknown"}:
        return warn(f"it is being changed ({state})", _show(workspace))
    if state in {"Failed", "Canceled", "Deleting", "SoftDeleted"}:
        return fail(f"it is in the state {state}", _show(workspace))
    return unknown(f"it is in the state {state}", _show(workspace))


def evaluate_kind(workspace: Raw) -> Verdict:
    """One for jobs. Hubs and projects of AI Foundry are workspaces too, in the same list."""
    kind = text(workspace, "kind")
    if flag(workspace, "properties", "v1LegacyMode") is True:
        return fail(
            "it takes AzureML's API v1 alone, and ZenML uses v2",
            note(_show(workspace), "make it without v1_legacy_mode"),
        )
    if kind == "Default":
        return ok("it is a workspace for jobs")
    if kind in {"Hub", "Project", "FeatureStore"}:
        path = known_text(workspace, "id")
        return fail(
            f"it is a {kind}, in which no pipelines run",
            az(
                "ml",
                "workspace",
                "list",
                resource_group=group_of(path),
                subscription=subscription_of(path),
            ),
        )
    return unknown(f"it is of the kind {kind}, which is not known here", _show(workspace))


def evaluate_attached(workspace: Raw, attached: tuple[Attached, ...]) -> Verdict:
    """All that it stands on is there: a deleted vault or account is found out by a run, else."""
    lazy = ""
    for one in attached:
        if isinstance(one.error, NotFound):
            return fail(
                f"its {one.name} is gone: {one.error.why}",
                note(show(str(one.id)), "bring it back, or make the workspace anew"),
            )
        if one.id is None and one.name == "containerRegistry":
            lazy = "; it gets a registry of its own when it first builds an image"
        elif one.id is None and one.name != "applicationInsights":
            return fail(f"it has no {one.name}", _show(workspace))
    for one in attached:
        if one.error is not None:
            return unknown(
                f"not looked at: {one.error.why}", show(str(one.id)), one.error.permission
            )
    if not any(one.name == "applicationInsights" and one.id for one in attached):
        return warn("it has no applicationInsights, which keeps the logs of jobs", _show(workspace))
    return ok(f"what it stands on is there{lazy}")


def evaluate_identity(workspace: Raw) -> Verdict:
    """It has one, by which it pulls images and opens its storage."""
    kind = text(workspace, "identity", "type")
    if kind in {None, "None"}:
        return fail("it has no identity", _show(workspace))
    primary = text(workspace, "properties", "primaryUserAssignedIdentity")
    users = within(workspace, "identity", "userAssignedIdentities")
    names = {str(name).lower() for name in users} if isinstance(users, dict) else set()
    if primary is not None:
        if primary.lower() in names:
            return ok(f"it is {primary.rsplit('/', 1)[-1]}")
        return fail(
            f"it is to be {primary.rsplit('/', 1)[-1]}, which is not among its identities",
            _show(workspace),
        )
    if text(workspace, "identity", "principalId"):
        return ok("it has an identity that Azure made for it")
    return unknown(f"it has identities ({kind}), and does not say which it uses", _show(workspace))


def evaluate_network(workspace: Raw) -> Verdict:
    """Whether it is reached from everywhere, and its jobs reach everything."""
    public = text(workspace, "properties", "publicNetworkAccess")
    isolation = text(workspace, "properties", "managedNetwork", "isolationMode")
    if public == "Disabled":
        return unknown(
            "it is reached from its private network alone; whether whoever submits runs is in it "
            "cannot be seen",
            _show(workspace),
        )
    default = text(workspace, "properties", "networkAcls", "defaultAction")
    if default == "Deny" or texts(workspace, "properties", "ipAllowlist"):
        return unknown(
            "it lets only selected addresses in; whether those of whoever submits runs are among "
            "them cannot be seen",
            _show(workspace),
        )
    if isolation == "AllowOnlyApprovedOutbound":
        return unknown(
            "its jobs reach only what its outbound rules name; whether ZenML's server, the store "
            "and the registry are among them was not looked at",
            az(
                "ml",
                "workspace",
                "outbound-rule",
                "list",
                **of(known_text(workspace, "id"), "workspace_name"),
            ),
        )
    lets_out = isolation in {None, "Disabled", "AllowInternetOutbound"}
    if public == "Enabled" and default in {None, "Allow"} and lets_out:
        # Older versions of AzureML's API do not tell it.
        untold = "whether it lets in selected addresses alone is not told"
        return ok(
            "it is open to all networks, and its jobs reach the internet",
            None if default else untold,
        )
    return unknown("it does not say which networks it lets in", _show(workspace))
