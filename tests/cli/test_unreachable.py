"""A server that is away is said at once, by every command, however the login is given."""

from __future__ import annotations

import pytest

from tests.homes import Home

AWAY = {"ZENML_STORE_URL": "http://127.0.0.1:9", "ZENML_STORE_API_KEY": "ZENKEY_x"}


@pytest.mark.parametrize(
    "command",
    [
        ["stack", "list"],
        ["stack", "current"],
        ["stack", "use", "dev"],
        ["stack", "create", "dev"],
        ["stack", "preview", "dev"],
        ["stack", "delete", "dev", "--yes"],
    ],
)
def test_a_server_that_is_away(bare_home: Home, command: list[str]) -> None:
    done = bare_home.kitaru(*command, **AWAY)
    assert done.returncode == 6, done.stderr
    assert "does not answer" in done.stderr
    assert "http://127.0.0.1:9" in done.stderr
    assert "Max retries" not in done.stderr
    assert "ZENKEY_x" not in done.stderr


def test_a_password_in_the_address_is_not_shown(bare_home: Home) -> None:
    env = {**AWAY, "ZENML_STORE_URL": "http://admin:hunter2@127.0.0.1:9"}
    done = bare_home.kitaru("stack", "create", "dev", **env)
    assert "hunter2" not in done.stderr + done.stdout
    assert done.returncode != 0


def test_a_proxy_is_asked_instead(bare_home: Home) -> None:
    """And a proxy that is away is as good as a server that is away."""
    env = {
        **AWAY,
        "ZENML_STORE_URL": "http://zenml.example.com",
        "http_proxy": "http://127.0.0.1:9",
    }
    done = bare_home.kitaru("stack", "create", "dev", **env)
    assert done.returncode == 6, done.stderr
    assert "does not answer" in done.stderr
