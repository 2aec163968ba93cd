"""What a real kube-apiserver with RBAC says of rights, and of what is not to be seen."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.checks.cluster_rights import CLUSTER_RIGHTS, rules_of
from kitaru_iac.checks.kubernetes_api import BeingDeleted, NotInCluster, NotLetIn
from kitaru_iac.checks.probes import Unavailable
from kitaru_iac.checks.pull_secrets import ForeignPull, Puller, SeenSecrets, look
from tests.servers.kubernetes import KubernetesServer

_ONE = {f"only-{number}": right for number, right in enumerate(CLUSTER_RIGHTS)}
_BUT = {f"but-{number}": right for number, right in enumerate(CLUSTER_RIGHTS)}


@pytest.fixture(scope="module")
def cluster(
    kubernetes_programs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KubernetesServer]:
    folder = tmp_path_factory.mktemp("kubernetes")
    users = ["nobody", "looking", "leaving", "pulling", "making", *_ONE, *_BUT]
    running = KubernetesServer(kubernetes_programs, folder, users)
    try:
        running.start()
        running.make("/api/v1/namespaces", {"name": "ml"})
        yield running
    finally:
        running.stop()


def _soon(ask: Callable[[], object], expected: object) -> None:
    """RBAC's own cache of roles is a moment late."""
    end = time.monotonic() + 30
    while (found := ask()) != expected and time.monotonic() < end:
        time.sleep(0.1)
    assert found == expected


def test_a_cluster_denies_each_verb_by_itself_and_allows_each_by_itself(
    cluster: KubernetesServer,
) -> None:
    every = frozenset(CLUSTER_RIGHTS)
    allowed = {user: frozenset({right}) for user, right in _ONE.items()}
    allowed |= {user: every - {right} for user, right in _BUT.items()}
    for user, rights in allowed.items():
        cluster.allow(user, "ml", rules_of(sorted(rights, key=CLUSTER_RIGHTS.index)))
    for user, rights in allowed.items():
        ask = partial(cluster.api(user).denied, "ml", CLUSTER_RIGHTS)
        _soon(ask, tuple(right for right in CLUSTER_RIGHTS if right not in rights))
    # Nowhere else, and nobody else: the namespace need not be there to be asked about.
    assert frozenset(cluster.api("but-0").denied("other", CLUSTER_RIGHTS)) == every
    assert frozenset(cluster.api("nobody").denied("ml", CLUSTER_RIGHTS)) == every


def test_a_cluster_says_what_is_absent_only_to_whom_it_lets_look(
    cluster: KubernetesServer,
) -> None:
    may_look = [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]}]
    cluster.allow("looking", None, may_look)
    looking, other = cluster.api("looking"), cluster.api("nobody")
    _soon(partial(_ends, partial(looking.namespace, "ml")), "ml")
    assert _ends(lambda: looking.namespace("absent")) is NotInCluster
    assert _ends(lambda: other.namespace("ml")) is NotLetIn
    assert _ends(lambda: other.namespace("absent")) is NotLetIn


def test_a_namespace_that_is_being_deleted_is_not_there(cluster: KubernetesServer) -> None:
    """Without its controllers the cluster never gets to the end of it."""
    cluster.make("/api/v1/namespaces", {"name": "going"})
    going = partial(cluster.api("leaving").namespace, "going")
    rules = [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]}]
    cluster.allow("leaving", None, rules)
    _soon(partial(_ends, going), "going")
    cluster.delete("/api/v1/namespaces/going")
    assert _ends(going) is BeingDeleted


def test_a_namespace_is_made_by_who_may_and_left_as_it_is(cluster: KubernetesServer) -> None:
    making, other = cluster.api("making"), cluster.api("nobody")
    rules = [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["create", "get"]}]
    cluster.allow("making", None, rules)
    _soon(partial(_ends, partial(making.namespace, "new")), NotInCluster)
    make = partial(making.make_namespace, "new")
    assert _ends(lambda: other.make_namespace("new", {})) is NotLetIn
    labels = {"app.kubernetes.io/managed-by": "kitaru", "kitaru-stack": "prod"}
    assert make(labels) is True
    assert make({"kitaru-stack": "other"}) is False
    metadata: Any = making.read("/api/v1/namespaces/new", "it", "namespaces", "show")["metadata"]
    assert metadata["labels"].items() >= labels.items()
    assert _ends(lambda: making.make_namespace("a" * 64, {})) is Unavailable
    # A name is taken until the namespace has gone, for which there is no controller here.
    cluster.delete("/api/v1/namespaces/new")
    assert _ends(lambda: make(labels)) is BeingDeleted


def test_a_secret_is_seen_without_what_is_in_it(cluster: KubernetesServer) -> None:
    at = "/api/v1/namespaces/ml"
    inside = {".dockerconfigjson": base64.b64encode(b"{}").decode()}
    kind = "kubernetes.io/dockerconfigjson"
    cluster.make(f"{at}/secrets", {"name": "login"}, type=kind, data=inside)
    cluster.make(f"{at}/serviceaccounts", {"name": "s"}, imagePullSecrets=[{"name": "login"}])
    rules = [{"apiGroups": [""], "resources": ["secrets", "serviceaccounts"], "verbs": ["get"]}]
    cluster.allow("pulling", "ml", rules)
    pull = ForeignPull("ghcr.io", (Puller("one", "s"), Puller("two", "s", ("absent",))))
    may, may_not = cluster.api("pulling"), cluster.api("nobody")
    there = SeenSecrets({"s": ("login",)}, {"login": True, "absent": False})
    _soon(partial(look, may, "ml", pull), there)
    refused = look(may_not, "ml", pull)
    assert {type(one) for one in (*refused.accounts.values(), *refused.secrets.values())} == {
        NotLetIn
    }
    path = f"{at}/secrets/login"
    assert "data" in may.read(path, "secret", "secrets", "show")
    assert set(may.read(path, "secret", "secrets", "show", metadata_alone=True)) == {
        *("kind", "apiVersion", "metadata"),
    }


def test_a_token_that_has_ended_is_no_answer_about_rights(cluster: KubernetesServer) -> None:
    late = cluster.api_with(cluster.account_token("ml", "late", -60))
    assert _ends(lambda: late.denied("ml", CLUSTER_RIGHTS)) is NotLetIn
    assert _ends(lambda: late.namespace("ml")) is NotLetIn
    fresh = cluster.api_with(cluster.account_token("ml", "fresh", 600))
    assert len(fresh.denied("ml", CLUSTER_RIGHTS)) == len(CLUSTER_RIGHTS)


def test_a_cluster_that_hangs_leaves_it_open(cluster: KubernetesServer) -> None:
    cluster.hang()
    try:
        hung = cluster.api("but-0", timeout=0.5)
        assert _ends(lambda: hung.denied("ml", CLUSTER_RIGHTS)) is Unavailable
        assert _ends(lambda: hung.namespace("ml")) is Unavailable
        assert _ends(lambda: hung.make_namespace("ml", {})) is Unavailable
    finally:
        cluster.awaken()
    assert _ends(lambda: cluster.api("but-0").denied("ml", ())) == ()


def _ends(ask: Callable[[], object]) -> object:
    """What is answered, or the class of the error."""
    try:
        return ask()
    except (BeingDeleted, NotInCluster, NotLetIn, Unavailable) as error:
        return type(error)
