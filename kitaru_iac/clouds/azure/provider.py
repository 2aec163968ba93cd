"""What Azure offers: records, and checks. Nothing can be made there yet. Imports no SDK."""

from __future__ import annotations

from collections.abc import Sequence

from kitaru_iac.checks.model import Check, CheckInfo
from kitaru_iac.clouds.azure import records
from kitaru_iac.clouds.provider import CloudProvider, PolicyDocuments, Verification
from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.spec.model import BaseSpec

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

    return policies(spec)


def _trusts(spec: BaseSpec) -> PolicyDocuments:
    """None: on Azure a role is assigned to an identity, and nobody becomes it."""
    del spec
    return {}


PROVIDER = CloudProvider(
    cloud=Cloud.AZURE,
    desired=records.desired,
    log_in="az login",
    verification=Verification(catalog=_catalog, checks=_checks, policies=_policies, trusts=_trusts),
)
