"""What each answer of a cluster about a namespace stands for."""

from __future__ import annotations

import binascii
import json
import ssl
from collections.abc import Callable
from email.message import Message
from http.client import BadStatusLine
from io import BytesIO
from urllib.error import HTTPError
from urllib.request import HTTPSHandler, Request
from urllib.response import addinfourl

import pytest

from kitaru_iac.checks import kubernetes_api
from kitaru_iac.checks.cluster_rights import ClusterRight, Use
from kitaru_iac.checks.kubernetes_api import (
    BeingDeleted,
    KubernetesApi,
    NotInCluster,
    NotLetIn,
    missing_namespace,
    not_let_in,
)
from kitaru_iac.checks.model import fail, unknown
from kitaru_iac.checks.probes import Denied, NotFound, ProbeError, Skipped, Unavailable

RIGHT = ClusterRight(Use.RUN, "get", "pods/log")
FOUND = b'{"kind": "Namespace", "metadata": {"name": "ml"}}'
TERMINATING = FOUND.replace(b'"ml"', b'"ml", "deletionTimestamp": "2026-11-28T09:00:00Z"')


def asked(
    monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, endpoint: str = "https://c"
) -> str | ProbeError:
    monkeypatch.setattr(KubernetesApi, "_ask", lambda self, path, accept: (status, body))
    try:
        return KubernetesApi(endpoint, None, "t0ken", 5).namespace("ml")
    except ProbeError as error:
        return error


def _ends(ask: Callable[[], object]) -> object:
    try:
        return ask()
    except ProbeError as error:
        return error


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [
        (404, b"", NotInCluster),
        (200, TERMINATING, BeingDeleted),
        (200, FOUND.replace(b'"ml"', b'"ml", "deletionTimestamp": null'), str),
        (200, b'{"metadata": "deletionTimestamp"}', str),
        (401, b"", NotLetIn),
        (403, b"", NotLetIn),
        (200, b"<html>", Unavailable),
        (200, b"[]", Unavailable),
        (200, b"{}", Unavailable),
        (200, b'["metadata"]', Unavailable),
        (200, b'"metadata"', Unavailable),
        (301, b"", Unavailable),
        (400, FOUND, Unavailable),
        (500, b"", Unavailable),
        (503, FOUND, Unavailable),
    ],
)
def test_only_an_object_is_there_and_only_a_404_is_not(
    monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, found: type[object]
) -> None:
    error = asked(monkeypatch, status, body)
    assert type(error) is found
    assert "t0ken" not in repr(error)


def test_an_object_that_goes_is_neither_there_nor_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(KubernetesApi, "_ask", lambda self, path, accept: (200, TERMINATING))
    api = KubernetesApi("https://c", None, "t0ken", 5)
    for look, about in (
        (lambda: api.service_account("ml", "runs"), "service account runs in ml"),
        (lambda: api.has_secret("ml", "login"), "secret login in ml"),
    ):
        error = _ends(look)
        assert isinstance(error, BeingDeleted)
        assert error.why == f"the cluster is deleting the {about}"


def test_a_namespace_that_goes_is_not_to_be_made() -> None:
    verdict = missing_namespace(BeingDeleted("the cluster is deleting the namespace ml"), "ml")
    assert verdict == fail(
        "the cluster is deleting the namespace ml, and takes nothing new in it",
        "kubectl get namespace ml --output yaml  # its conditions tell what it waits for",
    )


def test_a_namespace_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch, 200, FOUND) == "ml"


@pytest.mark.parametrize(
    ("status", "then", "found"),
    [
        (201, None, True),
        (409, (200, FOUND), False),
        (409, (200, TERMINATING), BeingDeleted),
        (409, (404, b""), NotInCluster),
        (409, (403, b""), NotLetIn),
        (401, None, NotLetIn),
        (403, None, NotLetIn),
        (200, None, Unavailable),
        (202, None, Unavailable),
        (404, None, Unavailable),
        (422, None, Unavailable),
        (429, None, Unavailable),
        (500, None, Unavailable),
    ],
)
def test_a_namespace_is_made_in_one_call_and_only_a_name_that_is_taken_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    then: tuple[int, bytes] | None,
    found: object,
) -> None:
    asked: list[tuple[str, object]] = []

    def ask(
        self: KubernetesApi, path: str, body: bytes | None = None, accept: str | None = None
    ) -> tuple[int, bytes]:
        asked.append((path, None if body is None else json.loads(body)))
        if body is not None:
            return status, b""
        assert then is not None
        return then

    monkeypatch.setattr(KubernetesApi, "_ask", ask)
    api = KubernetesApi("https://c", None, "t0ken", 5)
    seen = _ends(lambda: api.make_namespace("ml", {"a": "b"}))
    assert seen is found or type(seen) is found
    assert "t0ken" not in repr(seen)
    metadata = {"name": "ml", "labels": {"a": "b"}}
    wanted = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    looked = [] if then is None else [("/api/v1/namespaces/ml", None)]
    assert asked == [("/api/v1/namespaces", wanted), *looked]


@pytest.mark.parametrize(
    ("endpoint", "authority"), [("", None), ("http://c", None), ("https://c", "")]
)
def test_a_token_goes_to_no_endpoint_that_is_not_sure(endpoint: str, authority: str | None) -> None:
    with pytest.raises(Skipped):
        KubernetesApi(endpoint, authority, "t0ken", 5).namespace("ml")


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [
        (201, b'{"status": {"allowed": true}}', ()),
        (201, b'{"status": {"allowed": false, "reason": "x"}}', (RIGHT,)),
        (201, b'{"status": {"allowed": true, "evaluationError": "x"}}', ()),
        (201, b'{"status": {"allowed": false, "evaluationError": "webhook"}}', Unavailable),
        (201, b'{"status": {"allowed": "false"}}', Unavailable),
        (201, b'{"status": null}', Unavailable),
        (201, b'{"spec": {}}', Unavailable),
        (201, b"[]", Unavailable),
        (201, b"<html>", Unavailable),
        (200, b'{"status": {"allowed": true}}', Unavailable),
        (401, b"", NotLetIn),
        (403, b"", NotLetIn),
        (404, b"", Unavailable),
        (429, b"", Unavailable),
        (500, b"", Unavailable),
    ],
)
def test_only_what_a_review_allows_is_allowed(
    monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, found: object
) -> None:
    monkeypatch.setattr(KubernetesApi, "_ask", lambda self, path, asked: (status, body))
    seen = _ends(lambda: KubernetesApi("https://c", None, "t0ken", 5).denied("ml", [RIGHT]))
    if isinstance(seen, ProbeError):
        assert "t0ken" not in repr(seen)
        assert seen.remedy == "kubectl auth can-i get pods/log --namespace ml"
        seen = type(seen)
    assert seen == found


@pytest.mark.parametrize(
    ("right", "asked"),
    [
        (RIGHT, {"resource": "pods", "subresource": "log", "verb": "get", "group": "", "name": ""}),
        (
            ClusterRight(Use.RUN, "bind", "roles", "rbac.authorization.k8s.io", name="edit"),
            {
                "resource": "roles",
                "subresource": "",
                "verb": "bind",
                "group": "rbac.authorization.k8s.io",
                "name": "edit",
            },
        ),
    ],
)
def test_a_review_asks_for_the_whole_right_and_for_nothing_wider(
    monkeypatch: pytest.MonkeyPatch, right: ClusterRight, asked: dict[str, str]
) -> None:
    sent: list[tuple[str, object]] = []

    def ask(self: KubernetesApi, path: str, body: bytes) -> tuple[int, bytes]:
        sent.append((path, json.loads(body)))
        return 201, b'{"status": {"allowed": true}}'

    monkeypatch.setattr(KubernetesApi, "_ask", ask)
    assert KubernetesApi("https://c", None, "t0ken", 5).denied("ml", [right]) == ()
    (path, body) = sent[0]
    assert path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    assert body == {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"namespace": "ml", **asked}},
    }


def test_of_several_rights_those_that_are_denied_are_given_in_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rights = [ClusterRight(Use.RUN, verb, "pods") for verb in ("get", "list", "create")]

    def ask(self: KubernetesApi, path: str, body: bytes) -> tuple[int, bytes]:
        verb = json.loads(body)["spec"]["resourceAttributes"]["verb"]
        return 201, json.dumps({"status": {"allowed": verb == "list"}}).encode()

    monkeypatch.setattr(KubernetesApi, "_ask", ask)
    found = KubernetesApi("https://c", None, "t0ken", 5).denied("ml", rights)
    assert found == (rights[0], rights[2])


class Opener:
    """Answers without a connection, and notes what was asked for how long."""

    def __init__(self, answer: Exception | None = None) -> None:
        self.answer = answer
        self.asked: list[tuple[Request, float]] = []

    def open(self, request: Request, timeout: float) -> addinfourl:
        self.asked.append((request, timeout))
        if self.answer is not None:
            raise self.answer
        return addinfourl(BytesIO(b"x" * (4 * 2**20 + 1)), Message(), request.full_url, 200)


@pytest.mark.parametrize(
    ("endpoint", "body", "timeout", "method", "kind", "seconds"),
    [
        ("https://c", None, 3.0, "GET", None, 3.0),
        ("https://c/", b"{}", 60.0, "POST", "application/json", 5.0),
    ],
)
def test_the_cluster_is_asked_with_the_token_and_not_for_long(
    monkeypatch: pytest.MonkeyPatch,
    endpoint: str,
    body: bytes | None,
    timeout: float,
    method: str,
    kind: str | None,
    seconds: float,
) -> None:
    opener = Opener()
    monkeypatch.setattr(KubernetesApi, "_opener", opener)
    status, text = KubernetesApi(endpoint, None, "t0ken", timeout)._ask("/api/v1/x", body)
    (request, waited) = opener.asked[0]
    assert (status, len(text)) == (200, 4 * 2**20)
    assert (request.full_url, request.get_method()) == ("https://c/api/v1/x", method)
    assert (request.data, request.get_header("Content-type")) == (body, kind)
    assert (request.get_header("Authorization"), waited) == ("Bearer t0ken", seconds)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (HTTPError("https://c", 404, "", Message(), None), (404, b"")),
        (HTTPError("https://c", 302, "", Message(), None), (302, b"")),
        (OSError("t0ken"), "OSError"),
        (BadStatusLine("t0ken"), "BadStatusLine"),
        (ValueError("t0ken"), "ValueError"),
        (binascii.Error("t0ken"), "Error"),
    ],
)
def test_no_usable_answer_is_unavailable_and_repeats_nothing_of_it(
    monkeypatch: pytest.MonkeyPatch, answer: Exception, found: object
) -> None:
    monkeypatch.setattr(KubernetesApi, "_opener", Opener(answer))
    seen = _ends(lambda: KubernetesApi("https://c", None, "t0ken", 5)._ask("/x"))
    if isinstance(seen, ProbeError):
        assert type(seen) is Unavailable
        assert seen.why == f"the cluster's endpoint gave no usable answer: {found}"
        assert seen.remedy == "kubectl get namespaces"
    else:
        assert seen == found


def test_the_namespaces_that_nobody_makes_are_those_of_kubernetes() -> None:
    expected = {"default", "kube-node-lease", "kube-public", "kube-system"}
    assert expected == kubernetes_api.IN_EVERY_CLUSTER


def test_only_what_the_cluster_itself_denies_stays_open_without_a_permission_of_the_cloud() -> None:
    assert not_let_in(NotLetIn("403", "look")) == unknown("403", "look")
    assert not_let_in(Denied("no", permission="container.clusters.list")) is None
    assert not_let_in(Unavailable("503")) is None


@pytest.mark.parametrize(
    ("error", "is_missing"),
    [
        (NotInCluster("the cluster has no namespace ml"), True),
        (NotFound("no cluster"), False),
        (Denied("403"), False),
        (Unavailable("503"), False),
    ],
)
def test_only_what_the_cluster_itself_lacks_is_missing(error: ProbeError, is_missing: bool) -> None:
    verdict = missing_namespace(error, "ml")
    assert (verdict is not None) is is_missing
    assert verdict is None or verdict.remedy == "kubectl create namespace ml"
    assert "ml" not in kubernetes_api.IN_EVERY_CLUSTER


@pytest.mark.parametrize(
    ("authority", "trusted"),
    [(None, None), ("LS1jZXJ0LS0=", "--cert--")],
)
def test_an_endpoint_is_trusted_by_the_authority_of_its_cluster_alone(
    authority: str | None, trusted: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    contexts: dict[str | None, object] = {}

    def context(cadata: str | None) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        contexts[cadata] = made
        return made

    handed: list[object] = []
    handler = HTTPSHandler
    monkeypatch.setattr(ssl, "create_default_context", context)

    def handing(context: ssl.SSLContext | None = None) -> HTTPSHandler:
        handed.append(context)
        return handler(context=context)

    monkeypatch.setattr(kubernetes_api, "HTTPSHandler", handing)
    assert KubernetesApi("https://c", authority, "t0ken", 5)._opener is not None
    assert handed == [contexts[trusted]]
    assert list(contexts) == [trusted]
