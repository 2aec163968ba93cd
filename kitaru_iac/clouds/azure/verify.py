"""The checks of a description on Azure.

By concern: `verify_identity`, `verify_bucket`, `verify_registry`, `verify_workspace`,
`verify_cluster`, `verify_compute` and `verify_key` hold the evaluations; `probes` what is asked;
`catalog` the ids. Nothing is asked here: that is for `kitaru_iac.checks.model.run_checks`.
"""

from __future__ import annotations

import re

from kitaru_iac.checks.connector import unseen
from kitaru_iac.checks.model import Check
from kitaru_iac.checks.probes import TIMEOUT, Outcome, Probe
from kitaru_iac.clouds.azure.explain import checklist
from kitaru_iac.clouds.azure.observations import Caller, Principal
from kitaru_iac.clouds.azure.permissions import is_implicit
from kitaru_iac.clouds.azure.probes import AzureProbes
from kitaru_iac.clouds.azure.resources import existing
from kitaru_iac.clouds.azure.session import AzureAccess, require_azure
from kitaru_iac.clouds.azure.verify_bucket import bucket_checks
from kitaru_iac.clouds.azure.verify_cluster import cluster_checks
from kitaru_iac.clouds.azure.verify_identity import (
    credential_checks,
    skipped_connector,
)
from kitaru_iac.clouds.azure.verify_registry import registry_checks
from kitaru_iac.clouds.azure.verify_workspace import workspace_checks
from kitaru_iac.patterns import compiled
from kitaru_iac.spec.model import BaseSpec

__all__ = ["checks_for"]

_OBJECT_ID = compiled(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def checks_for(
    spec: BaseSpec,
    *,
    timeout: float = TIMEOUT,
    identity: str | None = None,
    server: str | None = None,
) -> list[Check[object]]:
    """All checks that apply to a description, in the order in which they are shown.

    What the description wants created or skipped, or does not name, is not checked.

    Args:
        spec: A kubernetes (AKS), azureml, or local description with a blob container.
        timeout: Seconds that one answer of Azure may take.
        identity: The object id of the user, service principal or managed identity that the
            connector is, where the description does not tell it: an existing connector, or the
            server's own identity. Its role assignments are then read.
        server: The address of the server that stores the stack. Implicit credentials are then its
            own: what this process is says nothing.

    Raises:
        MissingPackages: Azure's packages are not installed.
    """
    require_azure()
    resources = existing(spec)
    access = AzureAccess(spec.credentials, timeout)
    probes = AzureProbes(access, resources)
    made_by = checklist(probes, resources)
    connector = _connector(spec, probes, identity, server)
    subject = identity or spec.connector or access.described_as
    checks = credential_checks(made_by, probes, resources, access.described_as, connector)
    if resources.container is not None:
        checks += bucket_checks(made_by, probes, resources, connector, subject)
    if resources.registry is not None:
        implicit = is_implicit(spec)
        checks += registry_checks(made_by, probes, resources, connector, subject, implicit)
    if resources.workspace is not None:
        checks += workspace_checks(made_by, probes, resources, connector, subject)
    if resources.cluster is not None:
        checks += cluster_checks(made_by, probes, resources, connector, subject)
    return checks


def _connector(
    spec: BaseSpec, probes: AzureProbes, identity: str | None, server: str | None
) -> Probe[Principal]:
    """Whose rights count. Never this process's own where it is known to be somebody else."""
    if identity is not None:

        def known(caller: Outcome[Caller]) -> Principal:
            if not _OBJECT_ID.fullmatch(identity):
                raise skipped_connector(f"{identity} is no object id of Entra, which is a UUID")
            is_caller = isinstance(caller, Caller) and (
                (caller.object_id or "").lower() == identity.lower()
            )
            return Principal(identity.lower(), identity, is_caller)

        return Probe("the connector", known, requires=(probes.session,), inline=True)
    kind = None if spec.credentials is None else spec.credentials.kind
    whose = None if kind == "azure-service-principal" else "its own Azure identity"
    reason = unseen(spec, server, whose)
    if reason is None:
        return probes.caller

    def skipped(_caller: Caller) -> Principal:
        raise skipped_connector(reason)

    return Probe("the connector", skipped, requires=(probes.session,), inline=True)
