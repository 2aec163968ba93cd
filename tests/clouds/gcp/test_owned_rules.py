"""Whose what exists is, which names are taken, and what is granted: `owned.txt` says what is right.

Google's answers are data here, and what it is asked is told too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kitaru_iac.checks.model import CheckStatus
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import Denied, NotFound, ProbeError, Unavailable
from kitaru_iac.clouds.gcp import permissions as p
from kitaru_iac.clouds.gcp import verify
from kitaru_iac.clouds.gcp.answers import ServiceDisabled
from kitaru_iac.clouds.gcp.observations import Connector
from kitaru_iac.clouds.gcp.permission_table import Resource
from kitaru_iac.clouds.gcp.provision import ownership as o
from kitaru_iac.clouds.gcp.provision.labels import described, labels, words
from kitaru_iac.clouds.gcp.provision.marked import claim_of, marked
from kitaru_iac.clouds.gcp.resources import GcpResources, RepositoryName
from kitaru_iac.clouds.gcp.trust import evaluate_trust
from kitaru_iac.clouds.provider import Claim, marks
from kitaru_iac.errors import DescriptionError, MissingPackages
from kitaru_iac.spec.kinds import StackType
from tests.clouds.gcp.test_cluster import THERE
from tests.clouds.gcp.test_cluster import gke as made_cluster
from tests.clouds.gcp.test_provision_rules import gke, local, planned, vertex
from tests.clouds.verdicts import Table, each

PROJECT, NUMBER, REGION = "my-project", "123", "europe-west1"
PLACE = o.Place(PROJECT, NUMBER, REGION)
OWN = marks("kitaru", "prod")
OURS, THEIRS = labels(OWN), {**labels(OWN), "pulumi-stack": "dev"}
GONE, DENIED = NotFound("404"), Denied("403", permission="a.get")
STEPS = f"steps@{PROJECT}.iam.gserviceaccount.com"
RUNNER = f"runner@{PROJECT}.iam.gserviceaccount.com"
PULL = RepositoryName("images-project", REGION, "images")


class Google:
    """Answers by the name of what is called; REST by the end of the address before ``?``."""

    timeout = 9.0

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def storage(self, call: Callable[[Any, float], Any], *, about: str, permission: Any) -> Any:
        self.asked.append(f"{about}, which takes {permission}")
        return call(_Client(self), self.timeout)

    registry = clusters = storage

    def rest(self, method: str, url: str, *, about: str, permission: Any, params: Any = None
             ) -> Any:  # fmt: skip
        more = f" with {params}" if params else ""
        self.asked.append(f"{about}, which takes {permission}: {method} {url}{more}")
        parts = url.split("/")
        listed = {"serviceAccounts": "accounts", "networks": "networks"}
        name = listed.get(parts[-1], parts[-2])
        page = (params or {}).get("pageToken", "")
        return self.answer(f"{name}{page}")

    def answer(self, name: str) -> Any:
        found = self.answers.get(name, GONE)
        if isinstance(found, ProbeError):
            raise found
        return found


class _Client:
    def __init__(self, google: Google) -> None:
        self._google = google

    def bucket(self, name: str) -> _Client:
        self._google.asked.append(f"  bucket {name}")
        return self

    def __getattr__(self, name: str) -> Any:
        def call(*given: Any, **more: Any) -> Any:
            told = [*map(str, given), *(f"{key}={value}" for key, value in more.items())]
            self._google.asked.append(f"  {name} {', '.join(told)}")
            return self._google.answer(name)

        return call


def bucket(own: Mapping[str, str] = OURS, number: Any = NUMBER, where: str = "EUROPE-WEST1") -> Any:
    return SimpleNamespace(labels=own, project_number=number, location=where, name="data")


def text_of(words_: Mapping[str, str] = words(OWN), region: str | None = REGION) -> str:
    more = {"region": region} if region else {}
    return " ".join(f"{key}={value}" for key, value in {**words_, **more}.items())


OTHER_WORDS = {**words(OWN), "pulumi-stack": "dev"}
PART = {"name": "net", "region": REGION, "project": PROJECT}
NAT = {**PART, "router": "net", "name": "nat"}
CLAIMS: dict[str, tuple[str, Mapping[str, Any]]] = {
    "bucket": (o.BUCKET, {"name": "data"}),
    "repository": (o.REPOSITORY, o.repository_claim(PROJECT, REGION, "images").inputs),
    "account": (o.ACCOUNT, o.account_claim(PROJECT, "steps").inputs),
    "cluster": (o.CLUSTER, o.cluster_claim(PROJECT, REGION, "pods").inputs),
    "network": (o.NETWORK, o.network_claim(PROJECT, "net").inputs),
    "subnetwork": (o.SUBNET, PART),
    "router": (o.ROUTER, PART),
    "NAT": (o.NAT, NAT),
    "member": ("gcp:storage/bucketIAMMember:BucketIAMMember", {"bucket": "data"}),
}


def sight(what: str, other: str | None = None, **answers: Any) -> Callable[[], str]:
    type_, inputs = CLAIMS[what]
    if other is not None:
        inputs = {**inputs, "project": other}

    def run() -> str:
        google: Any = Google(**answers)
        try:
            seen: Any = o.sight(google, PLACE, type_, inputs, OWN)
        except ProbeError as error:
            seen = f"{type(error).__name__}: {error.why}"
        return "\n".join([str(seen), *google.asked])

    return run


IMAGES = SimpleNamespace(labels=OURS, name=f"projects/{PROJECT}/locations/{REGION}/repositories/i")
PODS = SimpleNamespace(resource_labels=OURS, name="pods")
NOBODY: dict[str, Any] = {"description": ""}
KNOWN = {"description": text_of()}
SIGHTS: dict[str, Callable[[], str]] = {
    "bucket: ours": sight("bucket", get_bucket=bucket({**OURS, "team": "ml"})),
    "bucket: not marked": sight("bucket", get_bucket=bucket({})),
    "bucket: another deployment's": sight("bucket", get_bucket=bucket(THEIRS)),
    "bucket: another project's": sight("bucket", get_bucket=bucket(number=9)),
    "bucket: another region's": sight("bucket", get_bucket=bucket(where="US-EAST1")),
    "bucket: another region's, not marked": sight("bucket", get_bucket=bucket({}, where="US")),
    "bucket: of some project": sight("bucket", get_bucket=bucket(number=None)),
    "bucket: none": sight("bucket"),
    "bucket: closed": sight("bucket", get_bucket=DENIED, test_iam_permissions=[]),
    "bucket: closed, and none": sight("bucket", get_bucket=DENIED),
    "bucket: closed, and not told": sight(
        "bucket", get_bucket=DENIED, test_iam_permissions=Unavailable("503")
    ),
    "bucket: silent": sight("bucket", get_bucket=Unavailable("503")),
    "repository: ours": sight("repository", get_repository=IMAGES),
    "repository: not marked": sight("repository", get_repository=SimpleNamespace(labels={})),
    "repository: another project's": sight("repository", "their-project", get_repository=IMAGES),
    "repository: none": sight("repository"),
    "repository: closed": sight("repository", get_repository=DENIED),
    "account: ours": sight("account", serviceAccounts=KNOWN),
    "account: not described": sight("account", serviceAccounts={}),
    "account: another deployment's": sight(
        "account", serviceAccounts={"description": text_of(OTHER_WORDS)}
    ),
    "account: another region's": sight(
        "account", serviceAccounts={"description": text_of(region="us-east1")}
    ),
    "account: of no region": sight(
        "account", serviceAccounts={"description": text_of(region=None)}
    ),
    "account: another project's": sight("account", "their-project", serviceAccounts=KNOWN),
    "account: none": sight("account"),
    "cluster: ours": sight("cluster", get_cluster=PODS),
    "cluster: not marked": sight("cluster", get_cluster=SimpleNamespace(resource_labels={})),
    "cluster: another project's": sight("cluster", "their-project", get_cluster=PODS),
    **{f"{what}: ours": sight(what, **{f"{what}s": KNOWN})
       for what in ("network", "subnetwork", "router")},
    **{f"{what}: not described": sight(what, **{f"{what}s": NOBODY})
       for what in ("network", "subnetwork", "router")},
    **{f"{what}: another project's": sight(what, "their-project", **{f"{what}s": KNOWN})
       for what in ("network", "subnetwork", "router")},
    "NAT: ours": sight("NAT", routers={**KNOWN, "nats": [{"name": "a"}, {"name": "nat"}]}),
    "NAT: of a strange router": sight("NAT", routers={**NOBODY, "nats": [{"name": "nat"}]}),
    "NAT: another one": sight("NAT", routers={**KNOWN, "nats": [{"name": "a"}]}),
    "NAT: none": sight("NAT", routers=KNOWN),
    "NAT: no router": sight("NAT"),
    "setting": sight("member"),
}  # fmt: skip


def found(named: tuple[Claim, ...] = (), services: tuple[str, ...] = (), **answers: Any
          ) -> Callable[[], str]:  # fmt: skip
    def run() -> str:
        google: Any = Google(**answers)
        seen = marked(google, PLACE, OWN, named, services)
        return "\n".join([*map(str, seen.found), *(f"unseen: {why}" for why in seen.unseen)])

    return run


ALL = {
    "list_buckets": [bucket(), bucket(THEIRS)],
    "get_bucket": bucket(),
    "list_repositories": [IMAGES, SimpleNamespace(labels=THEIRS, name="other")],
    "get_repository": IMAGES,
    "list_clusters": SimpleNamespace(
        clusters=[PODS, SimpleNamespace(resource_labels=THEIRS, name="other")], missing_zones=[]
    ),
    "get_cluster": PODS,
    "accounts": {"accounts": [{**KNOWN, "email": f"a@{PROJECT}.iam.gserviceaccount.com"}],
                 "nextPageToken": "2"},
    "accounts2": {"accounts": [{**KNOWN, "email": f"b@{PROJECT}.iam.gserviceaccount.com"},
                               {"email": "c@x"},
                               {"description": text_of(OTHER_WORDS), "email": "d@x"},
                               {"description": text_of(region="us-east1"), "email": "e@x"}]},
    "serviceAccounts": KNOWN,
    "networks": {**KNOWN, "items": [{**KNOWN, "name": "net"}, {"name": "other"}]},
}  # fmt: skip
OFF = ServiceDisabled("container.googleapis.com", PROJECT, "the clusters")


def lists(**answers: Any) -> Callable[[], str]:
    """What is asked of the listings, in the order of the addresses."""

    def run() -> str:
        google: Any = Google(**answers)
        marked(google, PLACE, OWN)
        return "\n".join(sorted(one for one in google.asked if "list" in one or " with " in one))

    return run


MARKED: dict[str, Callable[[], str]] = {
    "marked: all": found(**ALL),
    "marked: nothing": found(
        list_buckets=[], list_repositories=[], accounts={}, networks={},
        list_clusters=SimpleNamespace(clusters=[], missing_zones=[]),
    ),
    "marked: closed": found(
        list_buckets=DENIED, list_repositories=DENIED, accounts=DENIED, networks=DENIED,
        list_clusters=DENIED,
    ),
    "marked: an API that was needed is off": found(
        services=("container.googleapis.com",), **{**ALL, "list_clusters": OFF, "get_cluster": OFF}
    ),
    "marked: an API that was not needed is off": found(
        (o.cluster_claim(PROJECT, REGION, "pods"),),
        **{**ALL, "list_clusters": OFF, "get_cluster": OFF},
    ),
    "marked: an API that nobody needs is off": found(
        **{**ALL, "list_clusters": ServiceDisabled("x.googleapis.com", None, "the clusters")}
    ),
    "marked: zones missing": found(
        **{**ALL, "list_clusters": SimpleNamespace(clusters=[PODS], missing_zones=["a", "b"])}
    ),
    "marked: named": found((o.repository_claim(PROJECT, "us", "images"),), **ALL),
    "marked: what is asked": lists(**ALL),
}  # fmt: skip


def claimed(spec: Any) -> Callable[[], str]:
    return lambda: "\n".join(
        f"{one.type} {json.dumps(dict(one.inputs))}" for one in o.claims(planned(spec))
    )


IDS = {
    "a bucket": "data",
    "a repository": f"projects/{PROJECT}/locations/us/repositories/images",
    "an account": f"projects/{PROJECT}/serviceAccounts/{STEPS}",
    "a cluster": f"projects/{PROJECT}/locations/us/clusters/pods",
    "a network": f"projects/{PROJECT}/global/networks/net",
    "a subnetwork": f"projects/{PROJECT}/regions/us/subnetworks/net",
    "a project": f"projects/{PROJECT}",
}


# -- what is granted -------------------------------------------------------------------------------

VERTEX = GcpResources(
    "team-prod", StackType.VERTEX, PROJECT, REGION, bucket="data", repository=PULL,
    workload=STEPS, connector=RUNNER,
)  # fmt: skip
GKE = replace(VERTEX, type=StackType.KUBERNETES, workload=None, cluster="pods", namespace="ml")
LITTLE = GcpResources("x", StackType.LOCAL, bucket="data")


def needs(r: GcpResources) -> Callable[[], str]:
    """The roles with what each identity needs, and on what they are granted to whom."""
    return lambda: "\n".join(
        f"{identity.value}: {json.dumps(p._document(r, identity))}" for identity in Identity
    )


def printed(spec: Any) -> Callable[[], str]:
    return lambda: "\n".join(
        f"{name}: {json.dumps(document)}" for name, document in p.policies(spec).items()
    )


def becoming(monkeypatch: pytest.MonkeyPatch, r: GcpResources, email: str | None) -> str:
    credentials = SimpleNamespace(values={"client_email": email}) if email != "" else None
    monkeypatch.setattr(p, "gcp_resources", lambda _: r)
    spec: Any = SimpleNamespace(credentials=credentials)
    return json.dumps(p.trusts(spec))


def laid_out(spec: Any) -> Callable[[], str]:
    """What is made and used, or all that is wrong."""

    def run() -> str:
        try:
            return str(planned(spec))
        except DescriptionError as error:
            return "\n".join(map(str, error.problems))

    return run


FAR = f"projects/{PROJECT}/regions/us-central1/subnetworks/team"
LAYOUTS = {
    "layout: Vertex": laid_out(vertex()),
    "layout: Vertex, named": laid_out(vertex(artifact_store="gs://team")),
    "layout: GKE": laid_out(gke()),
    "layout: a cluster": laid_out(made_cluster()),
    "layout: a cluster in a network": laid_out(made_cluster(THERE)),
    "layout: a store": laid_out(local(resources={"bucket": "create"})),
    "layout: a cluster nowhere": laid_out(made_cluster({"endpoint_access": []})),
    "layout: a cluster elsewhere": laid_out(
        made_cluster({"endpoint_access": [], "subnets": [FAR]})
    ),
    "layout: a cluster without an account": laid_out(
        made_cluster(resources={"cluster": "create", "role": "skip"})
    ),
    "layout: no cluster": laid_out(made_cluster({}, resources={})),
    "layout: an account for pods": laid_out(gke(resources={"role": "create"})),
    "layout: an account elsewhere": laid_out(
        vertex(
            extra={"orchestrator": {"workload_service_account": "steps@x.iam.gserviceaccount.com"}},
            resources={"role": "create"},
        )
    ),
    "layout: no name for a bucket": laid_out(vertex(name="google-prod")),
    "layout: a tag": laid_out(vertex(infrastructure={"tags": {"Team": "ml"}})),
}

TABLE = Table(
    Path(__file__).with_name("owned.txt"),
    {
        **SIGHTS,
        **MARKED,
        **LAYOUTS,
        "claims: Vertex": claimed(vertex()),
        "claims: Vertex, named": claimed(vertex(artifact_store="gs://team")),
        "claims: GKE": claimed(gke()),
        "claims: a cluster": claimed(made_cluster()),
        "claims: a cluster in a network": claimed(made_cluster(THERE)),
        "claims: a store": claimed(local(resources={"bucket": "create"})),
        **each("an id of {}", IDS, lambda name: str(claim_of(IDS[name]))),
        "needs: Vertex": needs(VERTEX),
        "needs: Vertex in one project": needs(replace(VERTEX, project="images-project")),
        "needs: Vertex, little": needs(replace(VERTEX, bucket=None, workload=None)),
        "needs: GKE": needs(GKE),
        "needs: GKE, nobody's": needs(replace(GKE, connector=None, repository=None)),
        "needs: a local runner": needs(LITTLE),
        "printed: GKE": printed(gke(artifact_store="gs://data", namespace="ml")),
        "printed: local": printed(local()),
        "a role of a long name": lambda: p.role_id("x" * 80, Identity.VERIFY, Resource.CLUSTER),
    },
)


@pytest.mark.parametrize("name", TABLE.cases)
def test_what_is_seen_and_granted_is_what_is_right(name: str) -> None:
    TABLE.judge(name)


def test_the_table_has_no_other_lines() -> None:
    TABLE.insist_on_all()


POOL = "projects/1/locations/global/workloadIdentityPools/ci"
BOUND = {
    "pool": ("connector", RUNNER, "roles/iam.workloadIdentityUser",
             [f"principal://iam.googleapis.com/{POOL}/subject/<subject>"]),
    "source": ("connector", RUNNER, "roles/iam.serviceAccountTokenCreator",
               ["serviceAccount:me@x"]),
    "unknown": ("connector", RUNNER, "roles/iam.serviceAccountTokenCreator", []),
    "steps": ("runtime", STEPS, "roles/iam.serviceAccountUser", [f"serviceAccount:{RUNNER}"]),
    "anybody": ("runtime", STEPS, "roles/iam.serviceAccountUser", []),
}  # fmt: skip
ALONE = replace(VERTEX, workload=None)


@pytest.mark.parametrize(
    ("r", "email", "bound"),
    [
        (replace(VERTEX, pool=POOL, impersonates=True), "me@x", ("pool", "steps")),
        (replace(VERTEX, impersonates=True), "me@x", ("source", "steps")),
        (replace(ALONE, impersonates=True), None, ("unknown",)),
        (replace(ALONE, impersonates=True), "", ("unknown",)),
        (VERTEX, "me@x", ("steps",)),
        (replace(VERTEX, connector=None, pool=POOL, impersonates=True), "me@x", ("anybody",)),
        (ALONE, "me@x", ()),
    ],
)
def test_who_may_become_an_account_is_bound_on_it(
    monkeypatch: pytest.MonkeyPatch, r: GcpResources, email: str | None, bound: tuple[str, ...]
) -> None:
    wanted = {}
    for name in bound:
        identity, account, role, who = BOUND[name]
        resource = f"//iam.googleapis.com/projects/-/serviceAccounts/{account}"
        wanted[identity] = {
            "resource": resource,
            "bindings": [{"role": role, "members": who}],
        }
    found = json.loads(becoming(monkeypatch, r, email))
    assert found == wanted
    for one in found.values():  # our own check has nothing against them
        account = one["resource"].rpartition("/")[2]
        pool = (POOL,) if account == RUNNER and r.pool else ()
        verdict = evaluate_trust({**one, "version": 3}, account, "show", pool)
        assert verdict.status is CheckStatus.OK, verdict.why


@pytest.mark.parametrize(
    ("text", "long", "short"),
    [
        ("a" * 48, "a" * 48, "a" * 48),
        ("a" * 49, "a" * 49, None),
        ("a" * 63, "a" * 63, None),
        ("a" * 64, None, None),
        ("", "", ""),
        ("a_b-1", "a_b-1", "a_b-1"),
        ("A", None, None),
    ],
)
def test_a_mark_that_fits_stays_as_it_is(text: str, long: str | None, short: str | None) -> None:
    for found_, most, wanted in ((labels, 63, long), (words, 48, short)):
        said = found_({"key": text})["key"]
        assert len(said) <= most
        assert (said == text) is (wanted is not None)


def test_a_description_ends_with_the_region() -> None:
    assert described({"a": "1", "b": "2"}, REGION) == f"a=1 b=2 region={REGION}"


# -- which checks apply ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("identity", "member"),
    [
        ("a@p.iam.gserviceaccount.com", "serviceAccount:a@p.iam.gserviceaccount.com"),
        ("me@example.com", "user:me@example.com"),
        ("group:team@example.com", "group:team@example.com"),
    ],
)
def test_an_identity_is_who_policies_name(identity: str, member: str) -> None:
    spec: Any = SimpleNamespace(credentials=None)
    assert verify._connector(spec, identity, "https://z") == Connector(member=member)


@pytest.mark.parametrize(
    ("kind", "source", "own"),
    [
        (None, None, True),
        ("implicit", None, True),
        ("gcp-service-account", "application-default", True),
        ("gcp-service-account", None, False),
    ],
)
def test_only_what_a_server_is_by_itself_is_unseen(
    monkeypatch: pytest.MonkeyPatch, kind: str | None, source: str | None, own: bool
) -> None:
    monkeypatch.setattr(verify, "unseen", lambda _spec, server, whose: f"{server} {whose}")
    credentials = None if kind is None else SimpleNamespace(kind=kind, values={"source": source})
    spec: Any = SimpleNamespace(credentials=credentials)
    whose = "its own Google identity" if own else None
    assert verify._connector(spec, None, "https://z") == Connector(unseen=f"https://z {whose}")


def test_googles_packages_have_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise MissingPackages("no")

    monkeypatch.setattr(verify, "require_google", missing)
    with pytest.raises(MissingPackages):
        verify.checks_for(local())


EVERYTHING = {
    "artifact_store": "gs://data",
    "container_registry": f"{REGION}-docker.pkg.dev/{PROJECT}/images",
    "infra": None,
}


@pytest.mark.parametrize(
    ("spec", "kinds"),
    [
        (vertex(**EVERYTHING), "bucket repository vertex workload connector"),
        (gke(**EVERYTHING), "bucket repository cluster connector"),
        (
            gke(**{**EVERYTHING, "infra": "provision"}, resources={"registry": "create"}),
            "bucket cluster connector",
        ),
        (
            gke(**{**EVERYTHING, "infra": "provision"}, resources={"bucket": "create"}),
            "repository cluster connector",
        ),
        (local(infra=None), "bucket connector"),
    ],
)
def test_only_what_is_described_is_looked_at(spec: Any, kinds: str) -> None:
    found_ = [check.info.id.split(".")[1] for check in verify.checks_for(spec)]
    assert found_[:3] == ["credentials", "project", "services"]
    assert " ".join(dict.fromkeys(found_[3:])) == kinds
