"""What AWS offers. Importing it imports neither boto3 nor Pulumi."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from kitaru_iac.checks.model import Check, CheckInfo
from kitaru_iac.clouds.aws import records
from kitaru_iac.clouds.aws.provision.args import (
    BESIDE,
    INSIDE,
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
    from kitaru_iac.clouds.aws.catalog import CATALOG

    return tuple(CATALOG.values())


def _checks(
    spec: BaseSpec, *, timeout: float, identity: str | None, server: str | None
) -> Sequence[Check[object]]:
    from kitaru_iac.clouds.aws.verify import checks_for

    return checks_for(spec, timeout=timeout, identity=identity, server=server)


def _policies(spec: BaseSpec) -> PolicyDocuments:
    from kitaru_iac.clouds.aws.permissions import policies

    found = policies(spec)
    if spec.infra is InfraMode.PROVISION:
        from kitaru_iac.clouds.aws.provision.own_policy import provision_policy

        found["provision"] = provision_policy(cast("StackSpec", spec))
    return found


def _trusts(spec: BaseSpec) -> PolicyDocuments:
    from kitaru_iac.clouds.aws.permissions import trusts

    return trusts(spec)


def _provision() -> ProvisionModule:
    from kitaru_iac.clouds.aws.provision import target

    return target


def _builder() -> Build:
    from kitaru_iac.clouds.aws.provision.component import Infrastructure

    return Infrastructure.build


PROVIDER = CloudProvider(
    cloud=Cloud.AWS,
    desired=records.desired,
    log_in="aws sso login",
    verification=Verification(catalog=_catalog, checks=_checks, policies=_policies, trusts=_trusts),
    provisioning=Provisioning(
        pulumi_provider="aws",
        load=_provision,
        builder=_builder,
        inside=INSIDE,
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
