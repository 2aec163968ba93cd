"""What exists in Google Cloud under the names of a deployment, and whether it is its own.

It is where it is in the project that we work in *and* carries the deployment's marks, which
whatever we make has from its first moment on. Nothing else is taken over, changed or deleted.
Names of buckets are the world's, and Google answers 403 for a stranger's: those are told from what
is not there by a test of permissions, which Google answers to everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kitaru_iac.checks.probes import Denied, NotFound, ProbeError
from kitaru_iac.clouds.gcp.answers import ServiceDisabled
from kitaru_iac.clouds.gcp.provision import names
from kitaru_iac.clouds.gcp.provision.labels import labels, read_description, words
from kitaru_iac.clouds.gcp.provision.layout import Layout
from kitaru_iac.clouds.gcp.session import GcpAccess
from kitaru_iac.clouds.owned import lacking
from kitaru_iac.clouds.provider import Claim, Inputs, Sighting

__all__ = ["ACCOUNT", "BUCKET", "REPOSITORY", "Place", "claims", "sight"]

BUCKET = "gcp:storage/bucket:Bucket"
REPOSITORY = "gcp:artifactregistry/repository:Repository"
ACCOUNT = "gcp:serviceaccount/account:Account"
_IAM = "https://iam.googleapis.com/v1/"


@dataclass(frozen=True, slots=True)
class Place:
    """A project and a region in it.

    Attributes:
        project: Its id.
        number: Its number, which buckets tell.
        region: As ``europe-west1``.
    """

    project: str
    number: str
    region: str


def sight(
    access: GcpAccess, place: Place, type: str, inputs: Inputs, marks: Mapping[str, str]
) -> Sighting | None:
    """What Google Cloud has under the name of a resource; None if there is nothing.

    Args:
        access: Asks.
        place: Where we work.
        type: The resource's type in Pulumi. Those that are not known here are settings of another
            resource (a member of a policy, an API), and not looked up: writing them again does no
            harm.
        inputs: Its inputs, of which the name counts.
        marks: The tags that say it is the deployment's.

    Raises:
        ProbeError: It cannot be told, because Google refuses or does not answer.
    """
    find = _KINDS.get(type)
    if find is None:
        return None
    try:
        return find(access, place, inputs, marks)
    except NotFound:
        return None
    except ServiceDisabled as error:
        # It is enabled before anything of it is made. What may be there from before it was
        # disabled, Google refuses to make again.
        if error.consumer in {place.project, place.number}:
            return None
        raise


def claims(layout: Layout) -> tuple[Claim, ...]:
    """The names that a layout takes, of everything that is not a setting of something else."""
    found: list[Claim] = []
    if layout.new_bucket:
        found.append(Claim(BUCKET, {"name": layout.new_bucket}))
    if layout.new_repository:
        found.append(
            repository_claim(
                layout.project, layout.repository_location or layout.region, layout.new_repository
            )
        )
    if layout.new_workload:
        found.append(account_claim(layout.project, layout.new_workload))
    return tuple(found)


def repository_claim(project: str, location: str, id: str) -> Claim:
    """The name of a repository."""
    return Claim(REPOSITORY, {"repositoryId": id, "location": location, "project": project})


def account_claim(project: str, id: str) -> Claim:
    """The name of a service account."""
    return Claim(ACCOUNT, {"accountId": id, "project": project})


def _bucket(
    access: GcpAccess, place: Place, inputs: Inputs, marks: Mapping[str, str]
) -> Sighting | None:
    name = str(inputs["name"])
    noun, about = f"bucket {name}", f"gs://{name}"

    try:
        found = access.storage(
            lambda client, seconds: client.get_bucket(name, timeout=seconds, retry=None),
            about=about,
            permission="storage.buckets.get",
        )
    except Denied as denied:
        if not _is_there(access, name):
            return None
        why = f"it is another project's, or may not be seen: {denied.why}"
        return Sighting(name, noun, why, hidden=True)
    if found.project_number is None:
        return Sighting(name, noun, "Google does not tell its project", hidden=True)
    if str(found.project_number) != place.number:
        return Sighting(name, noun, f"it is in the project {found.project_number}")
    return Sighting(name, noun, lacking(found.labels, labels(marks), "labels"))


def _is_there(access: GcpAccess, name: str) -> bool:
    """Whether a bucket that may not be looked at exists; what is not told counts as there.

    https://cloud.google.com/storage/docs/json_api/v1/buckets/testIamPermissions: it needs no
    permission.
    """
    asked = ["storage.buckets.get"]
    try:
        access.storage(
            lambda client, seconds: client.bucket(name).test_iam_permissions(
                asked, timeout=seconds, retry=None
            ),
            about=f"gs://{name}",
            permission=None,
        )
    except NotFound:
        return False
    except ProbeError:
        return True
    return True


def _repository(
    access: GcpAccess, place: Place, inputs: Inputs, marks: Mapping[str, str]
) -> Sighting | None:
    full = "projects/{project}/locations/{location}/repositories/{repositoryId}".format(**inputs)
    found = access.registry(
        lambda client, seconds: client.get_repository(name=full, timeout=seconds, retry=None),
        about=full,
        permission="artifactregistry.repositories.get",
    )
    name = f"repository {inputs['repositoryId']}"
    if str(inputs["project"]) != place.project:
        return Sighting(full, name, f"it is in the project {inputs['project']}")
    return Sighting(full, name, lacking(dict(found.labels), labels(marks), "labels"))


def _account(
    access: GcpAccess, place: Place, inputs: Inputs, marks: Mapping[str, str]
) -> Sighting | None:
    project = str(inputs["project"])
    email = names.account_email(str(inputs["accountId"]), project)
    full = f"projects/{project}/serviceAccounts/{email}"
    # Never `projects/-`, where an absent account answers 403:
    # https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/get
    found = access.rest("GET", f"{_IAM}{full}", about=email, permission="iam.serviceAccounts.get")
    name = f"service account {email}"
    if project != place.project:
        return Sighting(full, name, f"it is in the project {project}")
    said = read_description(str(found.get("description") or ""))
    strange = lacking(said, words(marks), "words in its description")
    if strange is None and said.get("region") != place.region:
        strange = f"it is for the region {said.get('region')}"
    return Sighting(full, name, strange)


_Find = Callable[[GcpAccess, Place, Inputs, Mapping[str, str]], Sighting | None]
_KINDS: Mapping[str, _Find] = {BUCKET: _bucket, REPOSITORY: _repository, ACCOUNT: _account}
