"""What Azure offers. Importing it imports neither an SDK nor Pulumi."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from kitaru_iac.checks.model import Check, CheckInfo
from kitaru_iac.clouds.azure import records
from kitaru_iac.clouds.azure.provision.args import OUTPUTS, TOKEN, TYPES, InfrastructureArgs
from kitaru_iac.clouds.provider import (
    Account,
    CloudProvider,
    Component,
    Inputs,
    PolicyDocuments,
    Provisioning,
    Target,
    Verification,
)
from kitaru_iac.spec.credentials import Credentials
from kitaru_iac.spec.kinds import Cloud, InfraMode
from kitaru_iac.spec.model import BaseSpec, StackSpec

__all__ = ["PROVIDER"]


def _catalog() -> Sequence[CheckInfo]:
    from kitaru_iac.clouds.azure.catalog import CATALOG

    return tuple(CATALOG.values())


def _checks(
    spec: BaseSpec, *, timeout: float, identity: str | None, server: str | None
) -> Sequence[Check[object]]:
    from kitaru_iac.clouds.azure.verify import checks_for

    return checks_for(spec, timeout=timeout, identity=identity, server=server)


def _policies(spec: BaseSpec) -> PolicyDocuments:
    from kitaru_iac.clouds.azure.permissions import policies

    found = dict(policies(spec))
    if spec.infra is InfraMode.PROVISION:
        from kitaru_iac.clouds.azure.provision.own_policy import provision_policy

        found["provision"] = provision_policy(cast("StackSpec", spec))
    return found


def _trusts(spec: BaseSpec) -> PolicyDocuments:
    """None: on Azure a role is assigned to an identity, and nobody becomes it."""
    del spec
    return {}


def _plugins() -> tuple[tuple[str, str], ...]:
    from kitaru_iac.clouds.azure.provision.target import plugins

    return plugins()


def _account_for(spec: StackSpec) -> Account:
    from kitaru_iac.clouds.azure.provision.target import account_for

    return account_for(spec)


def _place_of(inputs: Inputs) -> Mapping[str, str]:
    from kitaru_iac.clouds.azure.provision.target import place_of

    return place_of(inputs)


def _target(spec: StackSpec) -> Target:
    from kitaru_iac.clouds.azure.provision.target import target

    return target(spec)


def _used(spec: StackSpec) -> frozenset[str]:
    from kitaru_iac.clouds.azure.provision.target import used

    return used(spec)


def _account(credentials: Credentials | None, inputs: Inputs) -> Account:
    from kitaru_iac.clouds.azure.provision.target import account_of

    return account_of(credentials, inputs)


def _build(name: str, given: Inputs | StackSpec, options: object) -> object:
    _plugins()  # says how to get the SDK where it is missing
    from kitaru_iac.clouds.azure.provision.component import build

    return build(name, given, options)


PROVIDER = CloudProvider(
    cloud=Cloud.AZURE,
    desired=records.desired,
    log_in="az login",
    verification=Verification(catalog=_catalog, checks=_checks, policies=_policies, trusts=_trusts),
    provisioning=Provisioning(
        pulumi_provider="azure-native",
        plugins=_plugins,
        target=_target,
        used=_used,
        account=_account,
        place_of=_place_of,
        account_for=_account_for,
        component=Component(
            token=TOKEN,
            arguments=InfrastructureArgs,
            outputs=OUTPUTS,
            always=("region",),
            types=TYPES,
            build=_build,
        ),
    ),
)
