"""The real engine, once through its whole life, with a program that makes nothing of a cloud."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pulumi
import pytest
from pulumi import automation

from kitaru_iac.engine.find import MINIMUM, find_engine

pytestmark = pytest.mark.engine


@pytest.fixture
def own_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_an_inline_program_lives_and_dies(tmp_path: Path, own_temporary_files: Path) -> None:
    assert shutil.which("pulumi"), "no Pulumi engine on PATH: run the tests with ./scripts/test"
    engine = find_engine()
    assert engine.version >= MINIMUM

    state, work = tmp_path / "state", tmp_path / "work"
    state.mkdir()
    work.mkdir()

    def program() -> None:
        pulumi.export("greeting", "hello")
        pulumi.export("password", pulumi.Output.secret("hidden"))

    stack = automation.create_or_select_stack(
        stack_name="smoke",
        project_name="kitaru-smoke",
        program=program,
        opts=automation.LocalWorkspaceOptions(
            work_dir=str(work),
            pulumi_home=str(tmp_path / "pulumi-home"),
            env_vars={
                "PULUMI_BACKEND_URL": state.as_uri(),
                "PULUMI_CONFIG_PASSPHRASE": "not a real one",
                "PULUMI_SKIP_UPDATE_CHECK": "true",
                "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            },
        ),
    )

    assert stack.preview().change_summary == {"create": 1}

    outputs = stack.up().outputs
    assert outputs["greeting"].value == "hello"
    assert outputs["password"].secret
    saved = [p for p in state.rglob("smoke.json") if p.is_file()]
    assert saved
    assert all("hidden" not in path.read_text() for path in saved)

    assert stack.destroy().summary.result == "succeeded"
    stack.workspace.remove_stack("smoke")
    assert not [p for p in state.rglob("smoke.json") if p.parent.parent.name == "stacks"]
    assert list(own_temporary_files.glob("automation-*")) == []
