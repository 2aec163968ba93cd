"""What answers a deletion or a verification and is not ZenML says nothing about either."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from kitaru_iac.errors import (
    CheckFailed,
    ExitCode,
    KitaruError,
    NotAllowedError,
    NotConnectedError,
)
from kitaru_iac.gateway.documents import ConnectorVerdict, NewConnector, ResourceRef, Where
from kitaru_iac.gateway.rest_gateway import RestGateway
from kitaru_iac.gateway.session import Session
from kitaru_iac.gateway.wire import AnswerLost, Response
from kitaru_iac.records.connector_checks import ConnectorCheck, require_ok
from kitaru_iac.records.implicit_auth import implicit_auth_allowed

URL = "https://zenml.example"
ID = "5b1d1c1e-0000-4000-8000-000000000001"
PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head></html>"
BUCKET = ResourceRef("s3-bucket", "s3://my-bucket")

pytestmark = pytest.mark.usefixtures("isolated")


class Answering:
    """A session with a server that gives one answer, or none."""

    def __init__(self, answer: Response | KitaruError) -> None:
        self._answer = answer
        self.shown = URL

    def request(self, *_: Any, **__: Any) -> Response:
        if isinstance(self._answer, KitaruError):
            raise self._answer
        return self._answer


def gateway(answer: Response | KitaruError) -> RestGateway:
    return RestGateway(cast("Session", Answering(answer)))


def said(status: int, body: Any, *, write: bool = False) -> Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, {}, data, URL, "DELETE /api/v1/stacks/1", write, ())


@pytest.mark.parametrize("kind", ["stack", "component", "connector"])
@pytest.mark.parametrize(
    ("answer", "ends"),
    [
        (said(200, None, write=True), True),
        (said(204, b"", write=True), True),
        (said(404, {"detail": ["KeyError", "Stack with ID 1 not found"]}, write=True), False),
        (said(404, {"detail": "Not Found"}, write=True), NotConnectedError),
        (said(404, PAGE, write=True), NotConnectedError),
        (said(200, PAGE, write=True), AnswerLost),
        (said(200, b'{"a": ', write=True), AnswerLost),
        (said(502, PAGE, write=True), AnswerLost),
        (said(504, b"", write=True), AnswerLost),
        (said(500, {"detail": ["RuntimeError", "locked"]}, write=True), NotConnectedError),
        (said(403, {"detail": ["IllegalOperationError", "no"]}, write=True), NotAllowedError),
        (AnswerLost("No answer came"), AnswerLost),
    ],
    ids=lambda value: str(getattr(value, "status", value))[:30],
)
def test_a_thing_is_said_to_be_gone_only_where_zenml_says_it(
    kind: Any, answer: Response | KitaruError, ends: bool | type[KitaruError]
) -> None:
    if isinstance(ends, bool):
        assert gateway(answer).delete(kind, ID) is ends
        return
    with pytest.raises(ends) as raised:
        gateway(answer).delete(kind, ID)
    assert type(raised.value) is ends


@pytest.mark.parametrize("body", [{"detail": "Not Found"}, PAGE])
def test_a_connector_is_not_gone_because_a_proxy_knows_no_such_page(body: Any) -> None:
    with pytest.raises(NotConnectedError):
        gateway(said(404, body)).connector_with_secrets(ID)
    assert gateway(said(404, {"detail": ["KeyError", "no"]})).connector_with_secrets(ID) is None


@pytest.mark.parametrize("listing", ["stacks", "components", "connectors"])
def test_nothing_is_gone_because_a_listing_is_said_not_to_be_there(listing: str) -> None:
    answer = said(404, {"detail": ["KeyError", "Stack with ID 1 not found"]})
    with pytest.raises(NotConnectedError, match=r"HTTP status 404 \(Stack with ID 1 not found\)"):
        getattr(gateway(answer), listing)(Where(ids=(ID,)))


ZENMLS = {"detail": ["ValueError", "the bucket is not there"]}


@pytest.mark.parametrize("stored", [True, False], ids=["stored", "new"])
@pytest.mark.parametrize(
    ("answer", "ends"),
    [
        (said(200, {"error": "no such bucket", "resources": []}), "no such bucket"),
        (said(400, ZENMLS), "the bucket is not there"),
        (said(422, {"detail": [{"loc": ["body", "auth_method"], "msg": "bad"}]}), "bad"),
        (said(500, ZENMLS), "the bucket is not there"),
        (said(404, {"detail": ["KeyError", "no connector"]}), "no connector"),
        (said(401, {"detail": ["AuthorizationException", "keys refused"]}), "keys refused"),
        (said(401, {"detail": ["CredentialsNotValid", "expired"]}), NotAllowedError),
        (said(401, b""), NotAllowedError),
        (said(403, {"detail": ["IllegalOperationError", "no right"]}), NotAllowedError),
        (said(404, PAGE), NotConnectedError),
        (said(400, PAGE), NotConnectedError),
        (said(200, PAGE), NotConnectedError),
        (said(200, b"[1, 2"), NotConnectedError),
        (said(200, []), NotConnectedError),
        (said(200, {"resources": [7]}), NotConnectedError),
        (said(200, {}), NotConnectedError),
        (said(200, {"resources": []}), NotConnectedError),
        (said(200, {"resources": [{"resource_type": "docker-registry"}]}), NotConnectedError),
        (said(429, b""), NotConnectedError),
        (said(500, b"oops"), NotConnectedError),
        (said(502, PAGE), NotConnectedError),
        (said(503, b""), NotConnectedError),
        (NotConnectedError("It hung up"), NotConnectedError),
    ],
    ids=lambda value: str(getattr(value, "status", value))[:30],
)
def test_a_verification_without_an_answer_is_no_verdict(
    stored: bool, answer: Response | KitaruError, ends: str | type[KitaruError]
) -> None:
    what = ID if stored else NewConnector("link", "aws", "secret-key", {"region": "eu-west-1"})
    if isinstance(ends, str):
        verdict = gateway(answer).verify_connector(what, BUCKET)
        assert isinstance(verdict, ConnectorVerdict)
        assert ends in str(verdict.error)
        return
    with pytest.raises(ends) as raised:
        gateway(answer).verify_connector(what, BUCKET)
    assert raised.value.exit_code == ExitCode.NOT_CONNECTED


def test_a_server_that_does_not_answer_is_not_taken_to_allow_implicit_methods() -> None:
    with pytest.raises(NotConnectedError):
        implicit_auth_allowed(gateway(said(502, PAGE)), {"aws"})


def check(status: str) -> ConnectorCheck:
    why = NotConnectedError("The server failed", where=URL) if status == "unknown" else None
    return ConnectorCheck("artifact_store", "s3-bucket", "s3://b", status, status, "Look", why)


def test_what_is_known_to_fail_counts_before_what_is_not_known() -> None:
    require_ok([])
    require_ok([check("ok"), check("ok")])
    with pytest.raises(CheckFailed, match="cannot use 1 of the stack's 3") as failed:
        require_ok([check("unknown"), check("fail"), check("ok")])
    assert failed.value.why == "s3-bucket s3://b: unknown\ns3-bucket s3://b: fail"
    with pytest.raises(NotConnectedError, match="is not known; nothing was written") as unknown:
        require_ok([check("ok"), check("unknown")])
    assert (unknown.value.where, unknown.value.remedy) == (URL, "Look")
    assert "unanswered" not in check("unknown").to_dict()
