"""What a check says when its probe failed, and a command for whoever was refused."""

from __future__ import annotations

from kitaru_iac.checks.checklist import Checklist
from kitaru_iac.checks.probes import Denied, Outcome
from kitaru_iac.clouds.gcp.catalog import CATALOG
from kitaru_iac.clouds.gcp.commands import gcloud
from kitaru_iac.clouds.gcp.observations import Caller
from kitaru_iac.clouds.gcp.permissions import let_look
from kitaru_iac.clouds.gcp.probes import GcpProbes
from kitaru_iac.clouds.gcp.resources import GcpResources

__all__ = ["checklist"]


def checklist(probes: GcpProbes, r: GcpResources) -> Checklist[Caller]:
    """Make the checks of one run. Google gives a token to whoever may see nothing."""

    def grant(error: Denied, caller: Outcome[Caller]) -> str:
        return let_look(error, caller.member if isinstance(caller, Caller) else None, r)

    return Checklist(
        CATALOG,
        probes.session,
        credentials="gcp.credentials",
        who_am_i=gcloud("auth", "list"),
        grant=grant,
    )
