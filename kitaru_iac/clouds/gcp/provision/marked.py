"""Everything in a project that carries a deployment's marks, whatever a state knows.

Several ways, since none sees all: the lists of buckets, of the region's repositories, of service
accounts, of clusters and of networks, and the names that we give.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial

from kitaru_iac.checks.probes import ProbeError, Unavailable
from kitaru_iac.clouds.gcp.answers import ServiceDisabled
from kitaru_iac.clouds.gcp.observations import Raw
from kitaru_iac.clouds.gcp.provision import names
from kitaru_iac.clouds.gcp.provision.labels import labels, read_description, words
from kitaru_iac.clouds.gcp.provision.layout import EVERY_SERVICE
from kitaru_iac.clouds.gcp.provision.ownership import (
    BUCKET,
    Place,
    account_claim,
    cluster_claim,
    network_claim,
    repository_claim,
    sight,
)
from kitaru_iac.clouds.gcp.session import GcpAccess
from kitaru_iac.clouds.owned import Way, collected
from kitaru_iac.clouds.provider import Claim, Marked, Sighting

__all__ = ["claim_of", "marked"]

_IAM = "https://iam.googleapis.com/v1/"
_COMPUTE = "https://compute.googleapis.com/compute/v1/"


def marked(
    access: GcpAccess,
    place: Place,
    marks: Mapping[str, str],
    named: tuple[Claim, ...] = (),
    services: Collection[str] = (),
) -> Marked:
    """What exists and carries the marks.

    Args:
        access: Asks.
        place: Where we work.
        marks: The tags that say it is the deployment's.
        named: What a description names, wherever in the project.
        services: The APIs that such a stack's resources are of: where one is off now, what it has
            is not seen. Where another one is, nothing was made of it.
    """
    wanted = labels(marks)

    def told(find: Callable[..., Iterable[str]], wanted: Mapping[str, str]) -> Way:
        return partial(_told, partial(find, access, place, wanted), services)

    ways: tuple[Way, ...] = (
        told(_buckets, wanted),
        told(_repositories, wanted),
        told(_accounts, words(marks)),
        told(_clusters, wanted),
        told(_networks, words(marks)),
    )
    return collected(
        ways,
        (*_named(marks["kitaru-stack"], place), *named),
        claim_of,
        lambda claim: _seen(access, place, claim, marks, services),
    )


def claim_of(id: str) -> Claim | None:
    """What an id in Pulumi's state means as a resource of ours."""
    if "/" not in id:
        return Claim(BUCKET, {"name": id})
    match id.split("/"):
        case ["projects", project, "locations", location, "repositories", name]:
            return repository_claim(project, location, name)
        case ["projects", project, "serviceAccounts", email]:
            return account_claim(project, email.partition("@")[0])
        case ["projects", project, "locations", location, "clusters", name]:
            return cluster_claim(project, location, name)
        case ["projects", project, "global", "networks", name]:
            return network_claim(project, name)
    return None


def _named(stack: str, place: Place) -> tuple[Claim, ...]:
    """What we would make for a stack that names nothing itself."""
    return (
        Claim(BUCKET, {"name": names.bucket_name(stack, place.number, place.region)}),
        repository_claim(place.project, place.region, names.repository_name(stack)),
        account_claim(place.project, names.workload_id(stack)),
    )


def _seen(
    access: GcpAccess,
    place: Place,
    claim: Claim,
    marks: Mapping[str, str],
    services: Collection[str],
) -> Sighting | None:
    try:
        return sight(access, place, claim.type, claim.inputs, marks)
    except ServiceDisabled as error:
        if _is_unused(error, services):
            return None
        raise


def _is_unused(error: ServiceDisabled, services: Collection[str]) -> bool:
    """Whether an API that is off is one of which stacks of another type alone have something."""
    return error.service in EVERY_SERVICE and error.service not in services


def _told(
    way: Callable[[], Iterable[str]], services: Collection[str]
) -> tuple[list[str], str | None]:
    try:
        return list(way()), None
    except ServiceDisabled as error:
        return [], None if _is_unused(error, services) else error.why
    except ProbeError as error:
        return [], error.why


def _buckets(access: GcpAccess, place: Place, wanted: Mapping[str, str]) -> Iterable[str]:
    return access.storage(
        lambda client, seconds: [
            str(one.name)
            for one in client.list_buckets(project=place.project, timeout=seconds, retry=None)
            if wanted.items() <= one.labels.items()
        ],
        about=f"the buckets of {place.project}",
        permission="storage.buckets.list",
    )


def _repositories(access: GcpAccess, place: Place, wanted: Mapping[str, str]) -> Iterable[str]:
    parent = f"projects/{place.project}/locations/{place.region}"

    return access.registry(
        lambda client, seconds: [
            str(one.name)
            for one in client.list_repositories(parent=parent, timeout=seconds, retry=None)
            if wanted.items() <= dict(one.labels).items()
        ],
        about=f"the repositories of {parent}",
        permission="artifactregistry.repositories.list",
    )


def _clusters(access: GcpAccess, place: Place, wanted: Mapping[str, str]) -> Iterable[str]:
    parent = f"projects/{place.project}/locations/{place.region}"
    answer = access.clusters(
        lambda client, seconds: client.list_clusters(parent=parent, timeout=seconds, retry=None),
        about=f"the clusters of {parent}",
        permission="container.clusters.list",
    )
    if answer.missing_zones:
        zones = ", ".join(answer.missing_zones)
        raise Unavailable(f"GKE did not tell the clusters of {zones}")
    return [
        f"{parent}/clusters/{one.name}"
        for one in answer.clusters
        if wanted.items() <= dict(one.resource_labels).items()
    ]


def _accounts(access: GcpAccess, place: Place, wanted: Mapping[str, str]) -> Iterable[str]:
    where = f"projects/{place.project}/serviceAccounts"
    asked = {"pageSize": 100}
    for one in _pages(
        access,
        f"{_IAM}{where}",
        "accounts",
        asked,
        about=f"the service accounts of {place.project}",
        permission="iam.serviceAccounts.list",
    ):
        if _is_ours(one, place, wanted):
            yield f"{where}/{one['email']}"


def _networks(access: GcpAccess, place: Place, wanted: Mapping[str, str]) -> Iterable[str]:
    """Networks alone: none goes while it has a subnet or a router."""
    where = f"projects/{place.project}/global/networks"
    for one in _pages(
        access,
        f"{_COMPUTE}{where}",
        "items",
        {"maxResults": 500},
        about=f"the networks of {place.project}",
        permission="compute.networks.list",
    ):
        if _is_ours(one, place, wanted):
            yield f"{where}/{one['name']}"


def _is_ours(one: Raw, place: Place, wanted: Mapping[str, str]) -> bool:
    said = read_description(str(one.get("description") or ""))
    return wanted.items() <= said.items() and said.get("region") == place.region


def _pages(
    access: GcpAccess,
    url: str,
    field: str,
    asked: Mapping[str, object],
    *,
    about: str,
    permission: str,
) -> Iterable[Raw]:
    page = ""
    while True:
        answer = access.rest(
            "GET",
            url,
            about=about,
            permission=permission,
            params={**asked} | ({"pageToken": page} if page else {}),
        )
        yield from answer.get(field) or ()
        page = str(answer.get("nextPageToken") or "")
        if not page:
            return
