"""One time for all answers of a server that takes its time for each."""

from __future__ import annotations

import time
from typing import Any

import pytest

from kitaru_iac.connection import login, server
from kitaru_iac.connection.server import Server
from kitaru_iac.connection.status import status
from kitaru_iac.errors import NotConnectedError
from tests.gateway.web import LittleServer

ID = "abcdabcd-0000-4000-8000-000000000001"
ANSWERS: dict[str, Any] = {
    "info": {"version": "0.98.0", "auth_scheme": "OAUTH2_PASSWORD_BEARER"},
    "login": {"access_token": "token-of-a-slow-server"},
    "current-user": {"id": ID, "name": "me", "body": {}},
    "projects": {"id": ID, "name": "p", "items": []},
    "stacks": {"id": ID, "name": "default", "items": [{"id": ID, "name": "default"}]},
}


def slowly(path: str) -> tuple[int, Any]:
    time.sleep(0.2)
    return 200, ANSWERS[path.removeprefix("/api/v1/").partition("?")[0].partition("/")[0]]


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_WHOLE", 0.5)


def test_a_login(short: None) -> None:
    with LittleServer(slowly) as web, pytest.raises(NotConnectedError, match="No answer"):
        login.login(web.url, api_key="ZENKEY_a", project="p", timeout=0.4)


def test_a_status(short: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with LittleServer(slowly) as web:
        monkeypatch.setenv("ZENML_STORE_URL", web.url)
        monkeypatch.setenv("ZENML_STORE_API_KEY", "ZENKEY_a")
        found = status(timeout=0.4)
    assert not found.connected
    assert "No answer" in str(found.error)


def test_a_longer_time_for_each_holds_for_all(short: None) -> None:
    with LittleServer(slowly) as web:
        patient = Server(web.url, timeout=5)
        for _ in range(4):
            assert patient.info().version == "0.98.0"


def test_a_person_takes_no_time_from_it(short: None) -> None:
    with LittleServer(slowly) as web:
        asked = Server(web.url, timeout=0.4)
        for _ in range(4):
            asked.begin_again()
            assert asked.info().version == "0.98.0"
