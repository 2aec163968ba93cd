"""What a check says when its probe failed, and a command for whoever was refused."""

from __future__ import annotations

from kitaru_iac.checks.checklist import Checklist
from kitaru_iac.checks.commands import note
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import Denied, Outcome
from kitaru_iac.clouds.gcp.catalog import CATALOG
from kitaru_iac.clouds.gcp.commands import gcloud
from kitaru_iac.clouds.gcp.observations import Caller
from kitaru_iac.clouds.gcp.permission_table import Resource
from kitaru_iac.clouds.gcp.permissions import needed, role_id
from kitaru_iac.clouds.gcp.probes import GcpProbes
from kitaru_iac.clouds.gcp.resources import GcpResources, project_of_account

__all__ = ["checklist"]


def checklist(probes: GcpProbes, r: GcpResources) -> Checklist[Caller]:
    """Make the checks of one run. Google gives a token to whoever may see nothing."""

    def grant(error: Denied, caller: Outcome[Caller]) -> str:
        member = caller.member if isinstance(caller, Caller) else None
        who = gcloud("auth", "list")
        project = _project(error, r)
        if member is None or project is None or error.permission is None:
            return note(who, f"and grant it {error.permission or 'the right to look'}")
        role = role_id(r.stack, Identity.VERIFY, Resource.PROJECT)
        # All that the checks read in this project, not one refusal after the other.
        every = {error.permission}.union(
            *(needed(r, Identity.VERIFY, resource) for resource in Resource)
        )
        make = gcloud(
            "iam", "roles", "create", role, project=project, permissions=",".join(sorted(every))
        )
        give = gcloud(
            "projects",
            "add-iam-policy-binding",
            project,
            member=member,
            role=f"projects/{project}/roles/{role}",
        )
        return f"{make} && {give}"

    return Checklist(
        CATALOG,
        probes.session,
        credentials="gcp.credentials",
        who_am_i=gcloud("auth", "list"),
        grant=grant,
    )


def _project(error: Denied, r: GcpResources) -> str | None:
    """Where looking has to be granted: the project of a registry or account may be another one."""
    about = str(error.resource)
    if r.repository is not None and (
        str(r.repository) in about or about.endswith(f"project {r.repository.project}")
    ):
        return r.repository.project
    for email in (r.connector, r.workload):
        if email is not None and about.endswith(f" {email}"):
            return project_of_account(email) or r.project
    return r.project
