"""Servers of every release: up from their templates, and what an older one lacks.

The servers are those of the contract: some seconds of CPU for each release's start.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from kitaru_iac.machine.local_database import FLAVORS, examine
from tests.servers.releases import RELEASES, environment_of, keeps_environment
from tests.servers.zenml import ZenMLServer


def test_each_is_the_release_that_it_says(any_release: ZenMLServer) -> None:
    assert any_release.request("GET", "/info").json()["version"] in RELEASES
    form = {"grant_type": "zenml-api-key", "password": any_release.api_key}
    assert any_release.request("POST", "/login", data=form).json()["access_token"]


def test_its_database_is_known_for_whole_or_for_unfamiliar(any_release: ZenMLServer) -> None:
    release = any_release.request("GET", "/info").json()["version"]
    look = examine(any_release.database)
    assert look.version == release
    assert look.state == ("whole" if release in FLAVORS else "unfamiliar")


def test_environment_is_kept_from_the_release_on_that_we_think(any_release: ZenMLServer) -> None:
    release = any_release.request("GET", "/info").json()["version"]
    stack = {
        "name": "dev",
        "components": {kind: [{"flavor": "local"}] for kind in ("orchestrator", "artifact_store")},
        "environment": {"A": "1"},
    }
    made = any_release.request("POST", "/stacks", json=stack).json()
    kept = made["metadata"].get("environment") == {"A": "1"}
    assert kept is keeps_environment(release)


def test_a_failed_installation_says_what_the_installer_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.servers import releases

    (tmp_path / "zenml-0.85.0.txt").write_text("no-index-has-this==1 ; nor a marker like it\n")
    monkeypatch.setattr(releases, "_LOCKS", tmp_path)
    with pytest.raises(RuntimeError, match="pip install"):
        environment_of("0.85.0", tmp_path / "cache")
