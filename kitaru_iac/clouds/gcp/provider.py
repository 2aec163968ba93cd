"""What Google Cloud offers. Importing it imports neither Google's SDKs nor Pulumi."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from kitaru_iac.checks.model import Check, CheckInfo
from kitaru_iac.clouds.gcp import records
from kitaru_iac.clouds.gcp.provision.args import (
    BESIDE,
    INSIDE,
    NAMED,
    OUTPUTS,
    TOKEN,
    TYPES,
    UNCHANGED,
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
from kitaru_iac.spec.credentials import Credentials
from kitaru_iac.spec.kinds import Cloud, InfraMode
from kitaru_iac.spec.model import BaseSpec, StackSpec

__all__ = ["PROVIDER"]


def _catalog() -> Sequence[CheckInfo]:
    from kitaru_iac.clouds.gcp.catalog import CATALOG

    return tuple(CATALOG.values())


def _checks(
    spec: BaseSpec, *, timeout: float, identity: str | None, server: str | None
) -> Sequence[Check[object]]:
    from kitaru_iac.clouds.gcp.verify import checks_for

    return checks_for(spec, timeout=timeout, identity=identity, server=server)


def _policies(spec: BaseSpec) -> PolicyDocuments:
    from kitaru_iac.clouds.gcp.permissions import policies

    found = policies(spec)
    if spec.infra is InfraMode.PROVISION:
        from kitaru_iac.clouds.gcp.provision.own_policy import provision_policy

        found["provision"] = provision_policy(cast("StackSpec", spec))
    return found


def _trusts(spec: BaseSpec) -> PolicyDocuments:
    from kitaru_iac.clouds.gcp.permissions import trusts

    return trusts(spec)


def _provision() -> ProvisionModule:
    from kitaru_iac.clouds.gcp.provision import target

    return target


def _provisioner(spec: StackSpec) -> Credentials | None:
    from kitaru_iac.clouds.gcp.resources import provisioner

    return provisioner(spec)


def _builder() -> Build:
    from kitaru_iac.clouds.gcp.provision.component import Infrastructure

    return Infrastructure.build


PROVIDER = CloudProvider(
    cloud=Cloud.GCP,
    desired=records.desired,
    log_in="gcloud auth application-default login",
    verification=Verification(catalog=_catalog, checks=_checks, policies=_policies, trusts=_trusts),
    provisioning=Provisioning(
        pulumi_provider="gcp",
        load=_provision,
        builder=_builder,
        unchanged=UNCHANGED,
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
        provisioner=_provisioner,
    ),
)
