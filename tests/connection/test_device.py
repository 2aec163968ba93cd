"""The login in a browser, against a server whose every word may be hostile."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from kitaru_iac.connection import device
from kitaru_iac.connection.device import token_from_browser
from kitaru_iac.connection.server import Server, ServerInfo
from kitaru_iac.errors import KitaruError, NotAllowedError, NotConnectedError
from tests.gateway.web import LittleServer

CODE = "device-code-that-is-secret"
INFO = ServerInfo("0.98.0", "x", needs_login=True)
DEVICE = {"device_code": CODE, "verification_uri_complete": "/devices/verify?user_code=1"}


def log_in(
    monkeypatch: pytest.MonkeyPatch, started: Any, *answers: tuple[int, Any]
) -> tuple[dict[str, Any], list[str], list[float]]:
    """The token, what was told, and how long was slept."""
    slept: list[float] = []
    told: list[str] = []
    left = list(answers)

    def answer(path: str) -> tuple[int, Any]:
        return (200, started) if "device_authorization" in path else left.pop(0)

    clock = SimpleNamespace(monotonic=lambda: sum(slept), sleep=slept.append)
    monkeypatch.setattr(device, "time", clock)
    monkeypatch.setattr(device, "_has_desktop", lambda: False)
    with LittleServer(answer) as web:
        server = Server(web.url, timeout=5)
        got = token_from_browser(server, INFO, "client", told.append)
    return dict(got), told, slept


PENDING = (400, {"error": "authorization_pending"})
GIVEN = (200, {"access_token": "token-of-the-device"})


def test_a_person_confirms(monkeypatch: pytest.MonkeyPatch) -> None:
    got, told, slept = log_in(
        monkeypatch, DEVICE, PENDING, (400, {"error": "slow_down"}), PENDING, GIVEN
    )
    assert got["access_token"] == "token-of-the-device"
    assert told[0].endswith("/devices/verify?user_code=1")
    assert slept == [5, 10, 10]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"error": "access_denied", "error_description": "No."}, "No."),
        ({"error": "access_denied"}, "access_denied"),
        ({"error": "x", "error_description": f"code {CODE} is\nnot good"}, "code (secret) is"),
        ({"error": CODE}, "(secret)"),
        ({"error": "x", "error_description": "\x1b[2Jboo" + "o" * 9999}, "[2Jbooo"),
        ({"error": "x", "error_description": {"a": CODE}}, "x"),
        ({"error_description": ["a", CODE]}, "HTTP status 400"),
        ("page", "HTTP status 400"),
    ],
)
def test_a_refusal_is_shown_short_and_without_the_code(
    monkeypatch: pytest.MonkeyPatch, answer: Any, says: str
) -> None:
    with pytest.raises(NotAllowedError) as refused:
        log_in(monkeypatch, DEVICE, (400, answer))
    assert says in str(refused.value)
    assert CODE not in json.dumps(refused.value.to_dict())
    assert "\x1b" not in str(refused.value)
    assert len(str(refused.value)) < 600


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "file:///etc/passwd", "--proxy=evil", "//elsewhere", "http://", "a\nb"],
)
def test_no_browser_opens_what_is_no_page(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    with pytest.raises(NotConnectedError, match="where to confirm"):
        log_in(monkeypatch, {**DEVICE, "verification_uri_complete": address}, GIVEN)


@pytest.mark.parametrize(
    ("interval", "waited"),
    [(-1, 1), (1e-9, 1), (1e300, 60), ("x", 5), (True, 5), (None, 5), (7, 7)],
)
def test_its_times_have_a_measure(
    monkeypatch: pytest.MonkeyPatch, interval: Any, waited: float
) -> None:
    _, _, slept = log_in(monkeypatch, {**DEVICE, "interval": interval}, PENDING, GIVEN)
    assert slept == [waited]


@pytest.mark.parametrize("started", [{}, [], {"device_code": 7}, {"device_code": None}])
def test_it_has_to_name_the_device(monkeypatch: pytest.MonkeyPatch, started: Any) -> None:
    with pytest.raises(KitaruError, match="not a ZenML server"):
        log_in(monkeypatch, started, GIVEN)


@pytest.mark.parametrize("given", [{}, {"access_token": None}, {"access_token": 7}, []])
def test_a_login_has_a_token(monkeypatch: pytest.MonkeyPatch, given: Any) -> None:
    with pytest.raises(NotConnectedError, match="access_token"):
        log_in(monkeypatch, DEVICE, (200, given))


def test_a_server_that_has_no_time_meanwhile_has_not_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    busy = [(502, "page")] * 3 + [(429, ""), (500, {"detail": "x"})]
    got, _, slept = log_in(monkeypatch, DEVICE, PENDING, *busy, PENDING, GIVEN)
    assert got["access_token"] == "token-of-the-device"
    assert set(slept) >= {5}


def test_an_answer_may_be_lost_but_not_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    hung_up = (0, "")
    # On a connection that was kept a read is sent once more, before it counts as lost.
    got, _, slept = log_in(monkeypatch, DEVICE, *[hung_up] * 3, PENDING, GIVEN)
    assert got["access_token"] == "token-of-the-device"
    assert slept == [10, 20, 20]
    with pytest.raises(NotConnectedError):
        log_in(monkeypatch, DEVICE, *[hung_up] * 4)


BROKEN = (500, {"detail": ["RuntimeError", "The database is full"]})


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ([PENDING] * 4, "Nobody confirmed the login in time"),
        ([BROKEN] * 3 + [PENDING], "Nobody confirmed the login in time"),
        ([BROKEN] * 4, "The database is full"),
        ([PENDING] * 3 + [(0, "")] * 2, "answer"),
    ],
)
def test_a_server_that_fails_to_the_end_is_not_a_person_who_did_not_confirm(
    monkeypatch: pytest.MonkeyPatch, answers: list[tuple[int, Any]], says: str
) -> None:
    kind = NotAllowedError if "Nobody" in says else NotConnectedError
    with pytest.raises(kind, match=says):
        log_in(monkeypatch, {**DEVICE, "expires_in": 20}, *answers)
