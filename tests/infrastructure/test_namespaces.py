"""The namespace of a cluster that was made, at an API of Kubernetes on loopback."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from kitaru_iac.checks.kubernetes_api import KubernetesApi
from kitaru_iac.checks.probes import NotFound, Unavailable
from kitaru_iac.clouds.provider import NewNamespace, marks
from kitaru_iac.infrastructure import provision
from kitaru_iac.infrastructure.namespaces import Inside, is_new, looked_at, made
from kitaru_iac.notices import NamespaceNotMade
from kitaru_iac.plan.document import StackPlan, changes, document
from kitaru_iac.plan.model import Action, Layer, Plan, Reason, Step
from tests.doubles.kubernetes import KubernetesLoopback
from tests.doubles.tls import ThrowAwayCA
from tests.infrastructure.running import described, stand_in
from tests.infrastructure.test_ownership_rules import Cloud, State

CLUSTER = "aws:eks/cluster:Cluster"
MARKS = marks("kitaru", "prod")
STEP = Step(
    Action.CREATE,
    "namespace",
    "ml",
    Layer.INFRASTRUCTURE,
    reason="in the cluster kitaru-prod",
    code=Reason.IN_CLUSTER,
)


class Cluster:
    """A cluster with an API, and whoever is known to it."""

    def __init__(self, ca: ThrowAwayCA) -> None:
        self.api = KubernetesLoopback(ca, lambda token: token == self.token)
        self.authority = base64.b64encode(ca.bundle.read_bytes()).decode()
        self.fresh()

    def fresh(self) -> None:
        self.api.forget()
        self.token, self.asked = "t0ken", 0
        self.late: list[Exception] = []

    def open(self, **other: Any) -> KubernetesApi:
        """The API, once it is not late any more."""
        self.asked += 1
        if self.late:
            raise self.late.pop(0)
        given = {"endpoint": f"https://{self.api.endpoint}", "token": "t0ken", **other}
        return KubernetesApi(authority=self.authority, timeout=2.0, **given)

    def wanted(self, **other: Any) -> NewNamespace:
        return NewNamespace("ml", "kitaru-prod", partial(self.open, **other), "log in && make it")

    def make(self, *, new: bool = False, **other: Any) -> tuple[Inside, list[str], list[float]]:
        said: list[str] = []
        waited: list[float] = []
        done = made(self.wanted(**other), MARKS, said.append, new=new, pause=waited.append)
        return done, said, waited


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(ThrowAwayCA(tmp_path_factory.mktemp("ca")))
    cluster.api.start()
    yield cluster
    cluster.api.stop()


@pytest.fixture
def cluster(started: Cluster) -> Cluster:
    started.fresh()
    return started


def warning(why: str) -> Inside:
    text = (
        f"The namespace ml may be missing in the cluster kitaru-prod, and is not made: {why}. "
        "Before the first run: log in && make it"
    )
    return Inside(warnings=(NamespaceNotMade(text),))


def test_a_namespace_is_made_once_and_says_whose_it_is(cluster: Cluster) -> None:
    assert looked_at(cluster.wanted(), new=False) == Inside((STEP,))
    assert cluster.api.namespaces == set(), "a look makes nothing"
    done, said, waited = cluster.make()
    assert (done, waited) == (Inside((STEP,)), [])
    assert said == ["Making the namespace ml in kitaru-prod"]
    assert cluster.api.labels["ml"] == {
        "app.kubernetes.io/managed-by": "kitaru",
        "kitaru-stack": "prod",
        "pulumi-project": "kitaru",
        "pulumi-stack": "prod",
    }
    assert looked_at(cluster.wanted(), new=False) == Inside()
    assert cluster.make() == (Inside(), [], [])


def test_a_cluster_that_is_yet_to_be_made_is_not_asked(cluster: Cluster) -> None:
    assert looked_at(cluster.wanted(), new=True) == Inside((STEP,))
    assert cluster.asked == 0


def test_one_that_is_there_stays_as_it_is_whoever_made_it(cluster: Cluster) -> None:
    cluster.api.namespaces, cluster.api.labels = {"ml"}, {"ml": {"team": "other"}}
    assert cluster.make() == (Inside(), [], [])
    assert cluster.api.labels == {"ml": {"team": "other"}}


def test_one_that_somebody_makes_meanwhile_is_theirs(cluster: Cluster) -> None:
    def between(permission: str, what: str) -> None:
        if permission == "container.namespaces.create":
            cluster.api.namespaces.add("ml")

    cluster.api.require = between
    done, said, _ = cluster.make()
    assert (done, said) == (Inside(), ["Making the namespace ml in kitaru-prod"])
    assert cluster.api.labels == {}


def test_one_that_goes_is_left_open(cluster: Cluster) -> None:
    cluster.api.namespaces, cluster.api.going = {"ml"}, {"ml"}
    found = warning("the cluster is deleting the namespace ml")
    assert looked_at(cluster.wanted(), new=False) == found
    assert cluster.make()[0] == found
    # Also where it is seen only when its name turns out to be taken.
    cluster.api.namespaces = set()

    def between(permission: str, what: str) -> None:
        if permission == "container.namespaces.create":
            cluster.api.namespaces = {"ml"}

    cluster.api.require = between
    assert cluster.make()[0] == found


def _denying(which: str) -> Callable[[str, str], None]:
    def require(permission: str, what: str) -> None:
        if permission == which:
            raise PermissionError(permission)

    return require


def test_who_may_not_look_or_not_make_is_told_the_command(cluster: Cluster) -> None:
    cluster.api.require = _denying("container.namespaces.get")
    found = warning("the cluster answered 403: these credentials may not read its namespaces")
    assert looked_at(cluster.wanted(), new=False) == found
    assert cluster.make()[0] == found
    cluster.api.require = _denying("container.namespaces.create")
    found = warning("the cluster answered 403: these credentials may not make it")
    assert looked_at(cluster.wanted(), new=False) == Inside((STEP,)), "who may make it is not asked"
    assert cluster.make()[0] == found
    unknown = cluster.make(token="other")[0]
    assert unknown == warning(
        "the cluster answered 401: these credentials may not read its namespaces"
    )
    assert cluster.api.namespaces == set()


def test_an_endpoint_that_lets_nobody_in_is_no_failure(cluster: Cluster) -> None:
    nobody = "https://127.0.0.1:1"
    found = warning("the cluster's endpoint gave no usable answer: URLError")
    assert looked_at(cluster.wanted(endpoint=nobody), new=False) == found
    done, _, waited = cluster.make(endpoint=nobody)
    assert (done, waited) == (found, [])
    # Of a cluster that was made just now it is waited for, and not for long.
    done, said, waited = cluster.make(endpoint=nobody, new=True)
    assert (done, waited) == (found, [2, 5, 10])
    assert said[0] == (
        "kitaru-prod: the cluster's endpoint gave no usable answer: URLError: again in 2 seconds"
    )


def test_a_new_cluster_that_is_late_gets_its_namespace(cluster: Cluster) -> None:
    cluster.late = [NotFound("the cluster kitaru-prod does not exist"), Unavailable("throttled")]
    done, said, waited = cluster.make(new=True)
    assert (done, waited) == (Inside((STEP,)), [2, 5])
    assert len(said) == 3
    cluster.fresh()
    cluster.late = [Unavailable("throttled")]
    assert cluster.make()[0] == warning("throttled"), "an old one is not waited for"


def test_a_name_that_no_label_takes_is_left_out(cluster: Cluster) -> None:
    long = "p" * 64
    done = made(cluster.wanted(), marks("kitaru", long), lambda _: None, new=False)
    assert done == Inside((STEP,))
    assert cluster.api.labels["ml"] == {
        "app.kubernetes.io/managed-by": "kitaru",
        "pulumi-project": "kitaru",
    }


@pytest.mark.parametrize(
    ("action", "kind", "new"),
    [
        (Action.CREATE, CLUSTER, True),
        (Action.REPLACE, CLUSTER, True),
        (Action.KEEP, CLUSTER, False),
        (Action.UPDATE, CLUSTER, False),
        (Action.DELETE, CLUSTER, False),
        (Action.CREATE, "aws:eks/nodeGroup:NodeGroup", False),
    ],
)
def test_a_cluster_is_new_where_it_is_made(action: Action, kind: str, new: bool) -> None:
    assert is_new(CLUSTER, [Step(Action.KEEP, "aws:s3/bucket:Bucket", "b")]) is False
    assert is_new(CLUSTER, [Step(action, kind, "kitaru-prod")]) is new


class Engine(State):
    """Finds the cluster, or makes it."""

    found = Action.KEEP

    def exists(self) -> bool:
        return True

    def preview(self, **_: object) -> Any:
        return SimpleNamespace(
            steps=lambda _=None: (Step(self.found, CLUSTER, "kitaru-prod"),), outputs={}
        )

    up = preview


def test_a_run_makes_it_after_the_cluster_and_a_preview_tells(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine()
    spec = described(type="kubernetes", namespace="ml", resources={"cluster": "create"},
                     infrastructure={"endpoint_access": []})  # fmt: skip
    stand_in(monkeypatch, engine, Cloud(), named={"cluster": CLUSTER}, namespace=cluster.wanted())
    engine.found = Action.CREATE
    planned = provision.preview_infrastructure(spec)
    assert (planned.steps[1:], cluster.asked) == ((STEP,), 0)
    # Killed after the engine's run: the cluster is there, and nothing in it.
    engine.found = Action.KEEP
    planned = provision.preview_infrastructure(spec)
    assert (planned.steps[1:], planned.has_changes) == ((STEP,), True)
    done = provision.provision(spec)
    assert done.steps[1:] == (STEP,)
    assert (set(done.made), done.beside) == ({"namespace"}, ())
    assert cluster.api.namespaces == {"ml"}
    assert not provision.preview_infrastructure(spec).has_changes
    done = provision.provision(spec)
    assert (done.has_changes, done.made, done.warnings) == (False, frozenset(), ())
    cluster.token = "other"
    for run in (provision.preview_infrastructure, provision.provision):
        (told,) = run(spec).warnings
        assert isinstance(told, NamespaceNotMade)
    # Another cloud's stack has none.
    stand_in(monkeypatch, engine, Cloud(), named={}, namespace=cluster.wanted())
    assert provision.provision(spec).warnings == ()


def test_a_plan_shows_it_and_has_the_digest_of_who_may_not_look() -> None:
    """Who reviews need not be let into the cluster; who applies makes what it lacks."""
    (change,) = changes([STEP])
    assert change["address"] == "infrastructure/namespace/ml"
    assert (change["layer"], change["actions"]) == ("infrastructure", ["create"])
    other = Step(Action.UPDATE, "stack", "prod")
    seen = document([StackPlan(Plan("prod", (STEP, other)))])
    unseen = document([StackPlan(Plan("prod", (other,), warning("private").warnings))])
    assert seen["digest"] == unseen["digest"]
    assert seen["stacks"][0]["has_changes"]
    assert document([StackPlan(Plan("prod", (STEP,)))])["summary"]["create"] == 1
