"""Whether what a description names fits the project: asked before all is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from kitaru_iac.checks.probes import NotFound
from kitaru_iac.clouds import wanted
from kitaru_iac.clouds.gcp.provision import names
from kitaru_iac.clouds.gcp.session import GcpAccess
from kitaru_iac.clouds.wanted import wants_cluster
from kitaru_iac.errors import Problem
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.model import KubernetesSpec, StackSpec

__all__ = ["unfit"]

_VERTEX = "https://aiplatform.googleapis.com/v1/"
_COMPUTE = "https://compute.googleapis.com/compute/v1/"


def unfit(access: GcpAccess, project: str, region: str, spec: StackSpec) -> list[Problem]:
    """Everything that is wrong with a description in this project.

    Args:
        access: Asks.
        project: Its id.
        region: The stack's.
        spec: The description. Vertex AI is in fewer regions than storage; where its API is not
            enabled yet, that is not looked at.
    """
    looks: list[Callable[[], Iterator[Problem]]] = []
    if spec.type is StackType.VERTEX:
        looks.append(partial(_region, access, project, region))
    if isinstance(spec, KubernetesSpec) and wants_cluster(spec):
        name = spec.cluster or names.cluster_name(spec.name)
        looks.append(partial(_namesake, access, project, region, name))
        for number, subnet in enumerate(spec.infrastructure.subnets or ()):
            looks.append(partial(_subnet, access, project, number, subnet))
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


def _namesake(access: GcpAccess, project: str, region: str, name: str) -> Iterator[Problem]:
    """ZenML's connector looks for a cluster by its name, in all locations, and takes the last.

    Source: ``gcp_service_connector.py`` (ZenML 0.98), ``_list_gke_clusters``. One of the name in
    the stack's own region is told from ours by its labels, when all names are looked up.
    """
    seen = access.clusters(
        lambda client, seconds: client.list_clusters(
            parent=f"projects/{project}/locations/-", timeout=seconds, retry=None
        ),
        about=f"the clusters of {project}",
        permission="container.clusters.list",
    )
    places = sorted(one.location for one in seen.clusters if one.name == name)
    others = [place for place in places if place != region]
    if others:
        yield Problem(
            "cluster",
            f"there is a cluster {name} in {', '.join(others)} already",
            "ZenML finds clusters by their names alone, wherever in the project, and could take "
            "that one",
            "Give another name, as `cluster: NAME`.",
        )


def _subnet(access: GcpAccess, project: str, number: int, subnet: str) -> Iterator[Problem]:
    """https://cloud.google.com/compute/docs/reference/rest/v1/subnetworks/get."""
    field = f"infrastructure.subnets[{number}]"
    try:
        found = access.rest(
            "GET", f"{_COMPUTE}{subnet}", about=subnet, permission="compute.subnetworks.get"
        )
    except NotFound:
        yield Problem(
            field,
            f"there is no subnetwork {subnet}",
            "the cluster could not be made",
            "Correct it; `gcloud compute networks subnets list` shows those there are.",
        )
        return
    held = {one.get("rangeName") for one in found.get("secondaryIpRanges") or ()}
    missing = [name for name in (names.PODS, names.SERVICES) if name not in held]
    if missing and names.is_shared(subnet, project):
        yield Problem(
            field,
            f"the subnetwork {subnet} has no secondary range {' and none '.join(missing)}",
            "it is another project's (Shared VPC), and GKE adds no ranges there by itself",
            f"Have ranges called `{names.PODS}` and `{names.SERVICES}` added to it, with `gcloud "
            "compute networks subnets update --add-secondary-ranges`.",
        )
