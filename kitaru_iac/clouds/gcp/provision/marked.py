"""Everything in a project that carries a deployment's marks, whatever a state knows.

Four ways, since none sees all: the lists of buckets, of the region's repositories and of service
accounts, and the names that we give.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from kitaru_iac.checks.probes import ProbeError
from kitaru_iac.clouds.gcp.answers import ServiceDisabled
from kitaru_iac.clouds.gcp.provision import names
from kitaru_iac.clouds.gcp.provision.labels import labels, read_description, words
from kitaru_iac.clouds.gcp.provision.ownership import (
    BUCKET,
    Place,
    account_claim,
    repository_claim,
    sight,
)
from kitaru_iac.clouds.gcp.session import GcpAccess
from kitaru_iac.clouds.owned import Way, collected
from kitaru_iac.clouds.provider import Claim, Marked

__all__ = ["claim_of", "marked"]

_IAM = "https://iam.googleapis.com/v1/"


def marked(
    access: GcpAccess, place: Place, marks: Mapping[str, str], named: tuple[Claim, ...] = ()
) -> Marked:
    """What exists and carries the marks.

    Args:
        access: Asks.
        place: Where we work.
        marks: The tags that say it is the deployment's.
        named: What a description names, wherever in the project.
    """
    wanted = labels(marks)
    ways: tuple[Way, ...] = (
        partial(_told, partial(_buckets, access, place, wanted)),
        partial(_told, partial(_repositories, access, place, wanted)),
        partial(_told, partial(_accounts, access, place, words(marks))),
    )
    return collected(
        ways,
        (*_named(marks["kitaru-stack"], place), *named),
        claim_of,
        lambda claim: sight(access, place, claim.type, claim.inputs, marks),
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
    return None


def _named(stack: str, place: Place) -> tuple[Claim, ...]:
    """What we would make for a stack that names nothing itself."""
    return (
        Claim(BUCKET, {"name": names.bucket_name(stack, place.number, place.region)}),
        repository_claim(place.project, place.region, names.repository_name(stack)),
        account_claim(place.project, names.workload_id(stack)),
    )


def _told(way: partial[Iterable[str]]) -> tuple[list[str], str | None]:
    try:
        return list(way()), None
    except ServiceDisabled:
        return [], None  # what we made is looked for by its name too
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


def _accounts(access: GcpAccess, place: Place, wanted: Mapping[str, str]) -> Iterable[str]:
    page = ""
    while True:
        answer = access.rest(
            "GET",
            f"{_IAM}projects/{place.project}/serviceAccounts",
            about=f"the service accounts of {place.project}",
            permission="iam.serviceAccounts.list",
            params={"pageSize": 100} | ({"pageToken": page} if page else {}),
        )
        for one in answer.get("accounts") or ():
            said = read_description(str(one.get("description") or ""))
            if wanted.items() <= said.items() and said.get("region") == place.region:
                yield f"projects/{place.project}/serviceAccounts/{one['email']}"
        page = str(answer.get("nextPageToken") or "")
        if not page:
            return
