"""What Azure offers. Importing it imports neither an SDK nor Pulumi."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from kitaru_iac.checks.model import Check, CheckInfo
from kitaru_iac.clouds.azure import records
from kitaru_iac.clouds.azure.provision.args import (
    BESIDE,
    NAMED,
    OUTPUTS,
    TOKEN,
    TYPES,
    InfrastructureArgs,
)
from kitaru_iac.clouds.provider import (
    Build,
    CloudProvider,
    Component,
    PolicyDocuments,
    Provisioning,
    ProvisionModule,
    Verification,
)
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


def _provision() -> ProvisionModule:
    from kitaru_iac.clouds.azure.provision import target

    return target


def _builder() -> Build:
    from kitaru_iac.clouds.azure.provision.component import Infrastructure

    return Infrastructure.build


PROVIDER = CloudProvider(
    cloud=Cloud.AZURE,
    desired=records.desired,
    log_in="az login",
    verification=Verification(catalog=_catalog, checks=_checks, policies=_policies, trusts=_trusts),
    provisioning=Provisioning(
        pulumi_provider="azure-native",
        load=_provision,
        builder=_builder,
        component=Component(
            token=TOKEN,
            arguments=InfrastructureArgs,
            outputs=OUTPUTS,
            always=("region",),
            types=TYPES,
        ),
        named=NAMED,
        beside=BESIDE,
    ),
)
