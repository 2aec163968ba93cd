"""The evaluations about the registry that images are pushed to."""

from __future__ import annotations

from kitaru_iac.checks.checklist import Checklist
from kitaru_iac.checks.commands import note
from kitaru_iac.checks.model import Check, CheckStatus, Verdict, fail, ok, unknown, warn
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import Probe, all_of
from kitaru_iac.clouds.azure.commands import az, of
from kitaru_iac.clouds.azure.explain import About, evaluate_rights
from kitaru_iac.clouds.azure.observations import Principal, Registry, Rights, flag, text
from kitaru_iac.clouds.azure.permission_table import Resource, When
from kitaru_iac.clouds.azure.permissions import permissions_for
from kitaru_iac.clouds.azure.probes import AzureProbes
from kitaru_iac.clouds.azure.resources import AzureResources
from kitaru_iac.clouds.azure.verify_key import evaluate_registry_key

__all__ = [
    "evaluate_admin",
    "evaluate_network",
    "evaluate_registry",
    "evaluate_registry_access",
    "evaluate_registry_rights",
    "evaluate_roles",
    "registry_checks",
]


def registry_checks(
    checklist: Checklist[Principal],
    probes: AzureProbes,
    r: AzureResources,
    connector: Probe[Principal],
    subject: str,
    implicit: bool | None,
) -> list[Check[object]]:
    """The checks of the registry that the description names.

    Args:
        checklist: Makes them.
        probes: What is asked.
        r: What the description names.
        connector: The identity that the connector is.
        subject: The same in words.
        implicit: Whether it is no service principal; None where nobody told.
    """
    host = str(r.registry)
    create = az(
        "acr",
        "create",
        name=host.split(".", maxsplit=1)[0],
        resource_group=r.group or "GROUP",
        sku="Basic",
        subscription=r.subscription,
    )
    about = About(checklist, host, create)
    about.add("azure.registry.exists", probes.registry, evaluate_registry, absent=create)
    about.add("azure.registry.admin_user", probes.registry, evaluate_admin)
    about.add("azure.registry.network", probes.registry, evaluate_network)
    about.add("azure.registry.roles", probes.registry, evaluate_roles)
    about.add(
        "azure.registry.encryption",
        all_of(probes.registry, after=(probes.registry_key,)),
        lambda seen: evaluate_registry_key(*seen),
    )
    if permissions_for(r, Identity.CONNECTOR, Resource.REGISTRY):
        about.add(
            "azure.connector.registry_access",
            all_of(probes.registry, probes.rights_on_registry(connector)),
            lambda seen: evaluate_registry_access(*seen, r, implicit),
            subject=subject,
        )
    return about.made


def _update(registry: Registry, option: str, value: str) -> str:
    return az("acr", "update", option, value, **of(registry.id))


def _show(registry: Registry) -> str:
    return az("acr", "show", **of(registry.id))


def evaluate_registry(registry: Registry) -> Verdict:
    """Whether it was made to its end."""
    state = text(registry.raw, "properties", "provisioningState")
    if state == "Succeeded":
        return ok(f"{registry.name} is there")
    if state in {"Creating", "Updating"}:
        return warn(f"{registry.name} is being changed ({state})", _show(registry))
    if state in {"Failed", "Canceled", "Deleting"}:
        return fail(f"{registry.name} is in the state {state}", _show(registry))
    return unknown(f"{registry.name} is in the state {state}", _show(registry))


def evaluate_admin(registry: Registry) -> Verdict:
    """Off: its password is one for everybody."""
    enabled = flag(registry.raw, "properties", "adminUserEnabled")
    off = _update(registry, "--admin-enabled", "false")
    if enabled is False:
        return ok(f"{registry.name} has no admin user")
    if enabled is None:
        return unknown(f"{registry.name} does not say whether it has an admin user", off)
    return warn(
        f"{registry.name} has an admin user: whoever knows its password may push, whatever the "
        "roles say",
        off,
    )


def evaluate_network(registry: Registry) -> Verdict:
    """Whether every network is let in, and nobody without a name."""
    public = text(registry.raw, "properties", "publicNetworkAccess")
    default = text(registry.raw, "properties", "networkRuleSet", "defaultAction")
    show = az("acr", "network-rule", "list", **of(registry.id))
    anonymous = flag(registry.raw, "properties", "anonymousPullEnabled")
    if anonymous is True:
        return warn(
            f"everybody can pull from {registry.name}, without credentials",
            _update(registry, "--anonymous-pull-enabled", "false"),
        )
    if public == "Disabled" or default == "Deny":
        return unknown(
            f"{registry.name} lets only some networks in; whether those of the steps, of ZenML and "
            "of whoever builds images are among them cannot be seen",
            show,
        )
    if public == "Enabled" and default in {None, "Allow"}:
        return ok(
            f"{registry.name} is open to all networks, and its roles decide",
            None if anonymous is False else "it does not say whether it asks for credentials",
        )
    return unknown(f"{registry.name} does not say which networks it lets in", show)


def evaluate_roles(registry: Registry) -> Verdict:
    """Which roles count there: AcrPull and AcrPush do not in the mode that becomes the default."""
    if registry.abac is False:
        return ok(f"{registry.name} takes AcrPull and AcrPush")
    if registry.abac is True:
        return warn(
            f"{registry.name} takes roles on repositories (ABAC): AcrPull and AcrPush do not count "
            "there, nor do Owner and Contributor",
            note(_show(registry), "assign Container Registry Repository Reader and Writer instead"),
        )
    return unknown(f"{registry.name} does not say which roles count there", _show(registry))


def evaluate_registry_rights(
    registry: Registry, rights: Rights, identity: Identity, r: AzureResources
) -> Verdict:
    """What somebody's roles say, of the kind that the registry takes; else of both."""

    def of(*, abac: bool) -> Verdict:
        needed = permissions_for(r, identity, Resource.REGISTRY, abac=abac)
        return evaluate_rights([(rights, needed)], identity, abac=abac)

    if registry.abac is not None:
        return of(abac=registry.abac)
    old, new = of(abac=False), of(abac=True)
    if old.status is new.status:
        return old
    better = old if old.status is CheckStatus.OK else new
    return unknown(
        f"{better.why}, if {registry.name} takes such roles, which it does not say",
        _show(registry),
    )


def evaluate_registry_access(
    registry: Registry, rights: Rights, r: AzureResources, implicit: bool | None
) -> Verdict:
    """What the connector's roles say; without a service principal ZenML finds it in a listing."""
    found = evaluate_registry_rights(registry, rights, Identity.CONNECTOR, r)
    listed = tuple(
        row
        for row in permissions_for(r, Identity.CONNECTOR, Resource.SUBSCRIPTION)
        if row.when is When.IMPLICIT
    )
    if implicit is False or found.status is not CheckStatus.OK:
        return found
    seen = evaluate_rights([(rights, listed)], Identity.CONNECTOR)
    if seen.status is CheckStatus.OK:
        return found
    if implicit:
        return seen
    return unknown(
        f"{seen.why}; which matters unless the connector is a service principal", seen.remedy
    )
