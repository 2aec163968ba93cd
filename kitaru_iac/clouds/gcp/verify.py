"""The checks of a description on Google Cloud.

By concern: `verify_bucket`, `verify_registry`, `verify_cluster`, `verify_compute`, `verify_key` and
`verify_identity` hold the evaluations; `probes` what is asked; `catalog` the ids. Nothing is asked
here: that is for `kitaru_iac.checks.model.run_checks`.
"""

from __future__ import annotations

from dataclasses import replace

from kitaru_iac.checks.connector import unseen
from kitaru_iac.checks.model import Check
from kitaru_iac.checks.probes import TIMEOUT
from kitaru_iac.clouds.gcp.explain import checklist
from kitaru_iac.clouds.gcp.observations import Connector
from kitaru_iac.clouds.gcp.probes import GcpProbes
from kitaru_iac.clouds.gcp.resources import (
    existing,
    gcp_resources,
    makes_connector,
    provisioner,
)
from kitaru_iac.clouds.gcp.session import GcpAccess, require_google
from kitaru_iac.clouds.gcp.verify_bucket import bucket_checks
from kitaru_iac.clouds.gcp.verify_cluster import cluster_checks
from kitaru_iac.clouds.gcp.verify_compute import vertex_checks, workload_checks
from kitaru_iac.clouds.gcp.verify_identity import connector_checks, credential_checks
from kitaru_iac.clouds.gcp.verify_registry import repository_checks
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.model import BaseSpec

__all__ = ["checks_for"]


def checks_for(
    spec: BaseSpec,
    *,
    timeout: float = TIMEOUT,
    identity: str | None = None,
    server: str | None = None,
) -> list[Check[object]]:
    """All checks that apply to a description, in the order of the catalog.

    What the description wants created or skipped, or does not name, is not checked; an account of
    the connector that it wants created is, once it is there.

    Args:
        spec: A kubernetes (GKE), vertex, or local description with a Cloud Storage artifact store.
        timeout: Seconds that one answer of Google may take.
        identity: The address of the service account that the connector is, where the description
            does not tell it: an existing connector, or the server's own identity. What that one
            may do is then read from policies instead of asked for the looking identity.
        server: The address of the server that stores the stack. Implicit credentials are then its
            own: what this process is says nothing.

    Raises:
        MissingPackages: Google's packages are not installed.
    """
    require_google()
    r = existing(spec)
    made = makes_connector(spec) and identity is None
    if makes_connector(spec):
        whole = gcp_resources(spec)
        # Which account is made, the credentials tell.
        r = replace(r, connector=identity or whole.connector, pool=whole.pool if made else None)
    access = GcpAccess(provisioner(spec), r.project, timeout)
    probes = GcpProbes(access, r)
    made_by = checklist(probes, r)
    connector = _connector(spec, r.connector if made else identity, server)
    if made and r.connector is None:
        connector = Connector(unseen="its service account is made")
    checks = credential_checks(made_by, probes, r, access.described_as)
    if r.bucket is not None:
        checks += bucket_checks(made_by, probes, r, connector)
    if r.repository is not None:
        checks += repository_checks(made_by, probes, r.repository)
    if r.type is StackType.VERTEX:
        checks += vertex_checks(made_by, probes, r) + workload_checks(made_by, probes, r)
    if r.cluster is not None:
        checks += cluster_checks(made_by, probes, r, connector)
    of_connector = connector_checks(made_by, probes, r, connector)
    if not made:
        return checks + of_connector
    if r.connector is None:
        return checks  # the credentials do not tell which account is made
    there = probes.account(r.connector)
    return checks + [replace(check, made=there) for check in of_connector]


def _connector(spec: BaseSpec, identity: str | None, server: str | None) -> Connector:
    """Who the connector is. ZenML makes an implicit one's session where the store is."""
    if identity is not None:
        return Connector(member=_member(identity))
    credentials = spec.credentials
    is_implicit = (
        credentials is None
        or credentials.kind == "implicit"
        or credentials.values.get("source") == "application-default"
    )
    whose = "its own Google identity" if is_implicit else None
    return Connector(unseen=unseen(spec, server, whose))


def _member(identity: str) -> str:
    """An identity as policies name it: an address alone is a service account's or a person's."""
    if ":" in identity:
        return identity
    of_google = identity.endswith(".gserviceaccount.com")
    return f"{'serviceAccount' if of_google else 'user'}:{identity}"
