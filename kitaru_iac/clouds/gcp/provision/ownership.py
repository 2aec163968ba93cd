"""What exists in Google Cloud under the names of a deployment, and whether it is its own.

It is where it is in the project that we work in *and* carries the deployment's marks, which
whatever we make has from its first moment on. Nothing else is taken over, changed or deleted.
Names of buckets are the world's, and Google answers 403 for a stranger's: those are told from what
is not there by a test of permissions, which Google answers to everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kitaru_iac.checks.probes import Denied, NotFound, ProbeError
from kitaru_iac.clouds.gcp.provision import names
from kitaru_iac.clouds.gcp.provision.labels import labels, read_description, words
from kitaru_iac.clouds.gcp.provision.layout import Layout
from kitaru_iac.clouds.gcp.session import GcpAccess
from kitaru_iac.clouds.owned import lacking
from kitaru_iac.clouds.provider import Claim, Inputs, Sighting

__all__ = [
    "ACCOUNT",
    "BUCKET",
    "CLUSTER",
    "NETWORK",
    "REPOSITORY",
    "Place",
    "account_claim",
    "claims",
    "cluster_claim",
    "network_claim",
    "repository_claim",
    "sight",
]

BUCKET = "gcp:storage/bucket:Bucket"
REPOSITORY = "gcp:artifactregistry/repository:Repository"
ACCOUNT = "gcp:serviceaccount/account:Account"
CLUSTER = "gcp:container/cluster:Cluster"
NETWORK = "gcp:compute/network:Network"
SUBNET = "gcp:compute/subnetwork:Subnetwork"
ROUTER = "gcp:compute/router:Router"
NAT = "gcp:compute/routerNat:RouterNat"
_IAM = "https://iam.googleapis.com/v1/"
_COMPUTE = "https://compute.googleapis.com/compute/v1/"


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
        ServiceDisabled: Its API is off; what was made with it before is still there.
        ProbeError: It cannot be told, because Google refuses or does not answer.
    """
    find = _KINDS.get(type)
    if find is None:
        return None
    try:
        return find(access, place, inputs, marks)
    except NotFound:
        return None


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
    if layout.new_connector:
        found.append(account_claim(layout.project, layout.new_connector))
    if layout.new_cluster:
        found.append(account_claim(layout.project, names.nodes_id(layout.stack)))
        found.append(cluster_claim(layout.project, layout.region, layout.new_cluster))
        if layout.options.subnets is None:
            name = names.network_name(layout.stack, layout.region)
            found.append(network_claim(layout.project, name))
            part = {"name": name, "region": layout.region, "project": layout.project}
            found += [Claim(SUBNET, part), Claim(ROUTER, part)]
    return tuple(found)


def repository_claim(project: str, location: str, id: str) -> Claim:
    """The name of a repository."""
    return Claim(REPOSITORY, {"repositoryId": id, "location": location, "project": project})


def account_claim(project: str, id: str) -> Claim:
    """The name of a service account."""
    return Claim(ACCOUNT, {"accountId": id, "project": project})


def cluster_claim(project: str, location: str, name: str) -> Claim:
    """The name of a cluster."""
    return Claim(CLUSTER, {"name": name, "location": location, "project": project})


def network_claim(project: str, name: str) -> Claim:
    """The name of a network."""
    return Claim(NETWORK, {"name": name, "project": project})


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
    strange, where = lacking(found.labels, labels(marks), "labels"), str(found.location).lower()
    if strange is None and where != place.region:
        # The same stack's in another region: taken into the state, it would be made anew here.
        strange = f"it is in {where}"
    return Sighting(name, noun, strange)


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
    return Sighting(full, name, _strange(found, place, marks))


def _strange(found: Mapping[str, Any], place: Place, marks: Mapping[str, str]) -> str | None:
    """Why something is not ours whose owner stands in its description; None where it is."""
    said = read_description(str(found.get("description") or ""))
    strange = lacking(said, words(marks), "words in its description")
    if strange is None and said.get("region") != place.region:
        strange = f"it is for the region {said.get('region')}"
    return strange


def _cluster(
    access: GcpAccess, place: Place, inputs: Inputs, marks: Mapping[str, str]
) -> Sighting | None:
    full = "projects/{project}/locations/{location}/clusters/{name}".format(**inputs)
    found = access.clusters(
        lambda client, seconds: client.get_cluster(name=full, timeout=seconds, retry=None),
        about=full,
        permission="container.clusters.get",
    )
    name = f"GKE cluster {inputs['name']}"
    if str(inputs["project"]) != place.project:
        return Sighting(full, name, f"it is in the project {inputs['project']}")
    return Sighting(full, name, lacking(dict(found.resource_labels), labels(marks), "labels"))


@dataclass(frozen=True, slots=True)
class _NetworkPart:
    """How a network or a part of one is looked up, whose owner stands in its description.

    Attributes:
        noun: What it is called.
        path: Its id in Pulumi's state, which is its path in the API, as a form over its inputs.
        permission: What it takes to look.
    """

    noun: str
    path: str
    permission: str

    def find(
        self, access: GcpAccess, place: Place, inputs: Inputs, marks: Mapping[str, str]
    ) -> Sighting | None:
        full = self.path.format(**inputs)
        found = access.rest("GET", _COMPUTE + full, about=full, permission=self.permission)
        name = f"{self.noun} {inputs['name']}"
        if str(inputs["project"]) != place.project:
            return Sighting(full, name, f"it is in the project {inputs['project']}")
        return Sighting(full, name, _strange(found, place, marks))


_ROUTER = _NetworkPart(
    "router", "projects/{project}/regions/{region}/routers/{name}", "compute.routers.get"
)


def _nat(
    access: GcpAccess, place: Place, inputs: Inputs, marks: Mapping[str, str]
) -> Sighting | None:
    """A NAT is a part of its router, whose it is too; made a second time it would be refused."""
    router = {**inputs, "name": str(inputs["router"])}
    full = _ROUTER.path.format(**router)
    found = access.rest("GET", _COMPUTE + full, about=full, permission=_ROUTER.permission)
    if not any(one.get("name") == inputs["name"] for one in found.get("nats") or ()):
        return None
    owner = _ROUTER.find(access, place, router, marks)
    # https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/
    # compute_router_nat#attributes-reference
    known_as = "{project}/{region}/{router}/{name}".format(**inputs)
    return Sighting(known_as, f"Cloud NAT {inputs['name']}", owner.foreign) if owner else None


_Find = Callable[[GcpAccess, Place, Inputs, Mapping[str, str]], Sighting | None]
_KINDS: Mapping[str, _Find] = {
    BUCKET: _bucket,
    REPOSITORY: _repository,
    ACCOUNT: _account,
    CLUSTER: _cluster,
    NETWORK: _NetworkPart(
        "network", "projects/{project}/global/networks/{name}", "compute.networks.get"
    ).find,
    SUBNET: _NetworkPart(
        "subnetwork",
        "projects/{project}/regions/{region}/subnetworks/{name}",
        "compute.subnetworks.get",
    ).find,
    ROUTER: _ROUTER.find,
    NAT: _nat,
}
