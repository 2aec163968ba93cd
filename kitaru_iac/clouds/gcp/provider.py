"""What Google Cloud offers: records and checks. Nothing is made there yet. Imports no SDK."""

from __future__ import annotations

from collections.abc import Sequence

from kitaru_iac.checks.model import Check, CheckInfo
from kitaru_iac.clouds.gcp import records
from kitaru_iac.clouds.provider import CloudProvider, PolicyDocuments, Verification
from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.spec.model import BaseSpec

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

    return policies(spec)


def _trusts(spec: BaseSpec) -> PolicyDocuments:
    from kitaru_iac.clouds.gcp.permissions import trusts

    return trusts(spec)


PROVIDER = CloudProvider(
    cloud=Cloud.GCP,
    desired=records.desired,
    log_in="gcloud auth application-default login",
    verification=Verification(catalog=_catalog, checks=_checks, policies=_policies, trusts=_trusts),
)
