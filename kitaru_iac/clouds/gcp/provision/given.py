"""Whether what a description names fits the project: asked before all is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from kitaru_iac.clouds import wanted
from kitaru_iac.clouds.gcp.session import GcpAccess
from kitaru_iac.errors import Problem
from kitaru_iac.spec.kinds import StackType

__all__ = ["unfit"]

_VERTEX = "https://aiplatform.googleapis.com/v1/"


def unfit(access: GcpAccess, project: str, region: str, type: StackType) -> list[Problem]:
    """Everything that is wrong with a description in this project.

    Args:
        access: Asks.
        project: Its id.
        region: The stack's.
        type: The stack's. Vertex AI is in fewer regions than storage; where its API is not enabled
            yet, that is not looked at.
    """
    looks: list[Callable[[], Iterator[Problem]]] = []
    if type is StackType.VERTEX:
        looks.append(partial(_region, access, project, region))
    return wanted.unfit(looks)


def _region(access: GcpAccess, project: str, region: str) -> Iterator[Problem]:
    """https://cloud.google.com/vertex-ai/docs/general/locations."""
    answer = access.rest(
        "GET",
        f"{_VERTEX}projects/{project}/locations",
        about=f"the regions of Vertex AI for {project}",
        permission="aiplatform.locations.list",
        params={"pageSize": 200},
    )
    offered = sorted(str(one.get("locationId")) for one in answer.get("locations") or ())
    if offered and region not in offered and not answer.get("nextPageToken"):
        yield Problem(
            "region",
            f"Vertex AI is not in {region}",
            "runs could not be submitted there",
            f"It is in {', '.join(offered)}.",
        )
