"""What plans or writes asks for the server's version first, and says what follows from it."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Kitaru
from tests.cli.test_rude_servers import connect
from tests.gateway.web import LittleServer

ID = "00000001-0000-4000-8000-000000000001"
WRITES = {
    "create": ["create", "dev"],
    "preview": ["preview", "dev"],
    "apply": ["apply", "dev", "--yes"],
    "delete": ["delete", "default", "--recursive", "--yes"],
    "rename": ["rename", "default", "other", "--yes"],
    "copy": ["copy", "default", "other", "--yes"],
    "adopt": ["adopt", "default", "--yes"],
    "clean": ["clean", "--yes"],
}


def of_version(version: str) -> LittleServer:
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


@pytest.mark.usefixtures("without_zenml")
@pytest.mark.parametrize("version", ["0.99.0", "1.0.0"])
def test_a_newer_one_is_told_of_once(
    version: str, isolated: None, tmp_path, monkeypatch: pytest.MonkeyPatch, kitaru: Kitaru
) -> None:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path))
    with of_version(version) as server:
        connect(tmp_path, server.url)
        done = kitaru("stack", "preview", "dev")
    assert done.code == 0, done.err
    assert (done.out + done.err).count(f"The server runs ZenML {version}") == 1
