"""When a login is asked for a token, and what a refusal of it is: each condition on both sides."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.errors import KitaruError, NotAllowedError, NotConnectedError
from kitaru_iac.gateway import answers, watch
from kitaru_iac.gateway.session import Session
from kitaru_iac.gateway.wire import AnswerLost
from kitaru_iac.machine.server_login import Login
from kitaru_iac.machine.store_location import RestStore, store_location
from kitaru_iac.redaction import SecretText
from tests.gateway.web import LittleServer

KEY = SecretText("ZENKEY_it")


def server(login: tuple[int, Any], *statuses: int) -> Callable[[str], tuple[int, Any]]:
    """Answers a login as given, and the requests that follow with these statuses, then 200."""
    left = list(statuses)

    def answer(path: str) -> tuple[int, Any]:
        if path.endswith("/login"):
            return login
        return left.pop(0) if left else 200, {"items": []}

    return answer


def ask(
    login: Login, answer: Callable[[str], tuple[int, Any]], method: str = "GET"
) -> tuple[int, list[tuple[str, str | None]]]:
    """The status, and what each request was, with the token that it carried."""
    with LittleServer(answer) as asked:
        session = Session(RestStore(asked.url, login), {})
        try:
            status = session.request(method, "/stacks").status
        finally:
            session.close()
    # A login is told by its form, and carries no token: the one there is may have run out.
    return status, [
        (
            "login" if one.body.startswith(b"grant_type") else "stacks",
            one.headers.get("Authorization"),
        )
        for one in asked.asked
    ]


NEW = (200, {"access_token": "new"})


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("login", "statuses", "status", "steps"),
    [
        (Login(), [], 200, [("stacks", None)]),
        (Login(), [401], 401, [("stacks", None)]),
        (Login("old"), [], 200, [("stacks", "Bearer old")]),
        (Login("old"), [401], 401, [("stacks", "Bearer old")]),
        (Login("old", KEY), [], 200, [("stacks", "Bearer old")]),
        (Login("old", KEY), [403], 403, [("stacks", "Bearer old")]),
        (Login(None, KEY), [], 200, [("login", None), ("stacks", "Bearer new")]),
        (
            Login("old", KEY),
            [401],
            200,
            [("stacks", "Bearer old"), ("login", None), ("stacks", "Bearer new")],
        ),
        (
            Login("old", KEY),
            [401, 401],
            401,
            [("stacks", "Bearer old"), ("login", None), ("stacks", "Bearer new")],
        ),
    ],
)
def test_a_token_is_asked_for_once_and_where_there_is_a_key(
    method: str, login: Login, statuses: list[int], status: int, steps: list[object]
) -> None:
    assert ask(login, server(NEW, *statuses), method) == (status, steps)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_login_that_is_refused(status: int) -> None:
    with pytest.raises(NotAllowedError) as refused:
        ask(Login(None, KEY), server((status, {"detail": "no"})))
    assert "kitaru login http" in str(refused.value.remedy)
    assert str(KEY) not in str(refused.value)


@pytest.mark.parametrize("login", [(401, "<html><title>Sign in</title>"), NEW])
def test_a_login_that_a_page_refuses_is_not_said_to_be_wrong_alone(login: tuple[int, Any]) -> None:
    """A proxy's own 401 without a word of which login it wants."""
    page = "<!doctype html><title>Sign in</title>"

    def answer(path: str) -> tuple[int, Any]:
        return login if path.endswith("/login") else (401, page)

    with LittleServer(answer) as asked, pytest.raises(NotAllowedError) as refused:
        answers.mapping(Session(RestStore(asked.url, Login(None, KEY)), {}).request("GET", "/x"))
    assert "a web page ('Sign in') with the HTTP status 401" in str(refused.value.why)
    assert "a proxy or a login page" in str(refused.value.why)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"KITARU_AUTH_TOKEN": str(KEY), "ZENML_STORE_API_KEY": str(KEY)}, "KITARU_AUTH_TOKEN"),
        ({"ZENML_STORE_API_KEY": str(KEY)}, "ZENML_STORE_API_KEY"),
        ({"ZENML_STORE_USERNAME": "me"}, "ZENML_STORE_USERNAME"),
    ],
)
@pytest.mark.parametrize("login", [(403, {"detail": "no"}), NEW])
def test_a_login_of_a_variable_is_refused_with_its_name(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], named: str, login: tuple[int, Any]
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with (
        LittleServer(server(login, 401, 401)) as asked,
        pytest.raises(NotAllowedError) as refused,
    ):
        answers.mapping(Session(RestStore(asked.url, Login(None, KEY))).request("GET", "/x"))
    assert refused.value.what == f"The ZenML server does not accept {named}"
    assert f"Set {named} anew" in str(refused.value.remedy)
    assert str(KEY) not in str(refused.value)


@pytest.mark.parametrize("answer", [{}, {"access_token": ""}, {"access_token": 5}, []])
def test_a_login_without_a_token_is_no_answer(answer: object) -> None:
    with pytest.raises(KitaruError) as raised:
        ask(Login(None, KEY), server((200, json.dumps(answer))))
    assert not isinstance(raised.value, NotAllowedError)


def test_a_session_goes_the_way_that_its_environment_says() -> None:
    with LittleServer(server(NEW)) as proxy:
        session = Session(
            RestStore("http://zenml.example", Login("old")),
            {"http_proxy": f"http://127.0.0.1:{proxy.port}"},
        )
        try:
            assert session.request("GET", "/stacks").status == 200
        finally:
            session.close()
    assert [one.path for one in proxy.asked] == ["http://zenml.example/api/v1/stacks"]


@pytest.mark.parametrize("ahead", [-3600, 0, 90, 3600])
def test_the_time_is_the_servers(monkeypatch: pytest.MonkeyPatch, ahead: float) -> None:
    now = time.time()
    date = formatdate(now + ahead, usegmt=True)
    monkeypatch.setattr(BaseHTTPRequestHandler, "date_time_string", lambda *_: date)
    with LittleServer(server(NEW)) as asked:
        session = Session(RestStore(asked.url), {})
        assert abs(session.now().timestamp() - time.time()) < 5  # as long as none has answered
        session.request("GET", "/stacks")
        session.close()
    assert abs(session.now().timestamp() - now - ahead) < 5


@pytest.mark.parametrize("date", ["", "soon", "1" * 99, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_date_that_tells_no_time_is_not_heeded(
    monkeypatch: pytest.MonkeyPatch, date: str
) -> None:
    monkeypatch.setattr(BaseHTTPRequestHandler, "date_time_string", lambda *_: date)
    with LittleServer(server(NEW)) as asked:
        session = Session(RestStore(asked.url), {})
        session.request("GET", "/stacks")
        session.close()
    text, came = session._told
    session._told = (text, came - 5)  # five seconds ago: the last second of time is over
    assert abs(session.now().timestamp() - time.time()) < 5


class Mute:
    """Answers the first requests, then none until it is told to."""

    def __init__(self, first: int) -> None:
        self.left = first
        self.goes_on = threading.Event()

    def __call__(self, _: str) -> tuple[int, Any]:
        self.left -= 1
        if self.left < 0:
            self.goes_on.wait(20)
            return 0, None
        return 200, {}


@pytest.mark.parametrize("first", [0, 2])
def test_a_server_that_falls_silent_is_not_waited_for_with_each_request(
    first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_AFTERWARDS", 0.0)
    mute = Mute(first)
    with LittleServer(mute) as asked:
        session = Session(RestStore(asked.url, Login("old"), timeout=1), {})
        for _ in range(first):
            assert session.request("GET", "/stacks").is_success
        with pytest.raises(NotConnectedError, match="No answer within 1 seconds"):
            session.request("GET", "/stacks")
        for method in ("GET", "POST", "DELETE"):
            with pytest.raises(NotConnectedError, match="is not asked any more") as raised:
                session.request(method, "/stacks")
            assert not isinstance(raised.value, AnswerLost)
            assert raised.value.where == asked.url
        assert len(asked.asked) == first + 1
        monkeypatch.setattr(watch, "_FORGOTTEN", 0.0)
        mute.left = 1
        assert session.request("GET", "/stacks").is_success
        mute.goes_on.set()
        session.close()


def test_after_a_silence_a_server_that_answers_has_its_whole_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "_AFTERWARDS", 1.0)
    mute = Mute(0)
    with LittleServer(mute) as asked:
        session = Session(RestStore(asked.url, Login("old"), timeout=1), {})
        for _ in range(3):
            with pytest.raises(AnswerLost):
                session.request("POST", "/stacks")
            mute.left = 1
            assert session.request("GET", "/stacks").is_success
        mute.goes_on.set()
        session.close()
    assert len(asked.asked) == 6


@pytest.mark.parametrize(
    ("kept", "says"),
    [
        ({"api_token": {"access_token": "t", "expires_at": "2020-01-01T00:00:00"}}, "not accept"),
        (None, "No login is stored"),
    ],
)
def test_a_login_to_another_server_is_none_to_this_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kept: dict[str, object] | None, says: str
) -> None:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path))
    with LittleServer(lambda _: (401, {})) as asked:
        logins: dict[str, Any] = {
            "https://other.example": {"url": "https://other.example", "api_key": "k"}
        }
        if kept is not None:
            logins[asked.url] = {"url": asked.url, **kept}
        (tmp_path / "credentials.yaml").write_text(json.dumps(logins))
        config = {"store": {"type": "rest", "url": asked.url}}
        (tmp_path / "config.yaml").write_text(json.dumps(config))
        store = store_location(config, {})
        assert isinstance(store, RestStore)
        session = Session(store, {})
        with pytest.raises(NotAllowedError, match=says) as refused:
            answers.mapping(session.request("GET", "/stacks"))
        session.close()
    assert refused.value.exit_code == 6
    assert ("not valid any more" in str(refused.value.why)) is (kept is not None)
    assert f"kitaru login {asked.url}" in str(refused.value.remedy)
