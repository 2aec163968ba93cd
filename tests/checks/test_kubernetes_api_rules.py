"""What each answer of a cluster about a namespace stands for."""

from __future__ import annotations

import pytest

from kitaru_iac.checks import kubernetes_api
from kitaru_iac.checks.kubernetes_api import KubernetesApi, NotInCluster, missing_namespace
from kitaru_iac.checks.probes import Denied, NotFound, ProbeError, Skipped, Unavailable

FOUND = b'{"kind": "Namespace", "metadata": {"name": "ml"}}'


def asked(
    monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, endpoint: str = "https://c"
) -> str | ProbeError:
    monkeypatch.setattr(KubernetesApi, "_get", lambda self, url: (status, body))
    try:
        return KubernetesApi(endpoint, None, "t0ken", 5).namespace("ml")
    except ProbeError as error:
        return error


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [
        (404, b"", NotInCluster),
        (401, b"", Denied),
        (403, b"", Denied),
        (200, b"<html>", Unavailable),
        (200, b"[]", Unavailable),
        (200, b"{}", Unavailable),
        (301, b"", Unavailable),
        (400, FOUND, Unavailable),
        (500, b"", Unavailable),
        (503, FOUND, Unavailable),
    ],
)
def test_only_an_object_is_there_and_only_a_404_is_not(
    monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, found: type[ProbeError]
) -> None:
    error = asked(monkeypatch, status, body)
    assert type(error) is found
    assert "t0ken" not in repr(error)


def test_a_namespace_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch, 200, FOUND) == "ml"


@pytest.mark.parametrize(
    ("endpoint", "authority"), [("", None), ("http://c", None), ("https://c", "")]
)
def test_a_token_goes_to_no_endpoint_that_is_not_sure(endpoint: str, authority: str | None) -> None:
    with pytest.raises(Skipped):
        KubernetesApi(endpoint, authority, "t0ken", 5).namespace("ml")


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
