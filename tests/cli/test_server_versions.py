"""What plans or writes asks for the server's version first, and says what follows from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kitaru_iac.gateway.rest_gateway import RestGateway
from kitaru_iac.machine.server_login import Login
from kitaru_iac.machine.store_location import RestStore
from tests.cli.conftest import Kitaru
from tests.cli.test_rude_servers import connect
from tests.gateway.web import LittleServer

ID = "00000001-0000-4000-8000-000000000001"
WRITES = {
    "create": ["create", "dev"],
    "preview": ["preview", "dev"],
    "apply": ["apply", "dev", "--yes"],
    "delete": ["delete", "default", "--recursive", "--yes"],
    "rename": ["rename", "default", "other"],
    "adopt": ["adopt", "default", "--yes"],
    "clean": ["clean", "--yes"],
}


def of_version(version: object) -> LittleServer:
    """A server that says what it is, and of everything else that there is nothing."""

    def answer(path: str) -> tuple[int, object]:
        if path.startswith("/api/v1/info"):
            return 200, {"id": ID, "version": version}
        return 200, {"index": 1, "max_size": 100, "total_pages": 1, "total": 0, "items": []}

    return LittleServer(answer)


@pytest.mark.usefixtures("without_zenml")
@pytest.mark.parametrize("command", WRITES)
def test_an_older_one_is_not_written_to(
    command: str, isolated: None, tmp_path, monkeypatch: pytest.MonkeyPatch, kitaru: Kitaru
) -> None:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path))
    with of_version("0.84.3") as server:
        connect(tmp_path, server.url)
        done = kitaru("stack", *WRITES[command])
    assert done.code == 6, done.err
    assert "0.84.3, which is too old" in done.err
    assert {asked.method for asked in server.asked} == {"GET"}


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("0.98.0", []),
        ("0.99.0", ["The server runs ZenML 0.99.0. "]),
        ("1.0.0", ["The server runs ZenML 1.0.0. "]),
        ("night", ["The server's version is none that kitaru can read: "]),
    ],
)
def test_what_follows_is_a_warning_of_whatever_writes(version: str, said: list[str]) -> None:
    with of_version(version) as server:
        gateway = RestGateway.open(RestStore(server.url, Login("token")))
        try:
            found = [str(warning) for warning in gateway.warnings]
        finally:
            gateway.close()
    assert [text.startswith(begin) for text, begin in zip(found, said, strict=True)] == [
        True for _ in said
    ]


@pytest.mark.parametrize("version", [None, 98, "", "0.98.0\n", "two words", "x" * 41, ["0.98"]])
@pytest.mark.parametrize(
    "words", [("status",), ("stack", "preview", "dev"), ("stack", "create", "dev")]
)
def test_what_no_server_says_of_its_version_is_no_server(
    words: tuple[str, ...],
    version: object,
    isolated: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kitaru: Kitaru,
) -> None:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path))
    with of_version(version) as server:
        connect(tmp_path, server.url)
        done = kitaru(*words)
    assert done.code == 6, done.err
    assert "does not answer as" in f"{done.out}{done.err}"
    assert {asked.method for asked in server.asked} == {"GET"}
