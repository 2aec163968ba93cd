"""Everything that is asked of Google Cloud for one stack; nothing is evaluated here."""

from __future__ import annotations

from kitaru_iac.clouds.gcp.probes_identity import IdentityProbes
from kitaru_iac.clouds.gcp.resources import GcpResources
from kitaru_iac.clouds.gcp.session import GcpAccess

__all__ = ["GcpProbes"]


class GcpProbes(IdentityProbes):
    """The probes of one run. Each is an object, asked once however many checks use it."""

    def __init__(self, google: GcpAccess, resources: GcpResources) -> None:
        super().__init__(google, resources)
        self._ask_bucket()
        self._ask_repository()
        self._ask_cluster()
        self._ask_vertex()
