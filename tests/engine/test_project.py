"""A project in a folder and the real engine, with a program that makes nothing of a cloud."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kitaru_iac.engine.find import find_engine
from kitaru_iac.engine.project import Project
from kitaru_iac.plan.model import Action, Change

pytestmark = pytest.mark.engine

PROGRAM = """\
import json
import pulumi

kept = json.loads(open("kept.json").read())


class Data(pulumi.ComponentResource):
    def __init__(self, name, **options):
        super().__init__("my:index:Data", name, None, pulumi.ResourceOptions(**options))


Data("data", protect=kept)
Data("other")
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose stack has something protected."""
    folder, state = tmp_path / "program", tmp_path / "state"
    folder.mkdir()
    state.mkdir()
    (folder / "Pulumi.yaml").write_text("name: kept\nruntime: python\n")
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "kept.json").write_text("true")
    for name, value in {
        "PULUMI_BACKEND_URL": state.as_uri(),
        "PULUMI_HOME": str(tmp_path / "pulumi-home"),
        "PULUMI_CONFIG_PASSPHRASE": "not a real one",
        "PULUMI_PYTHON_CMD": sys.executable,
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }.items():
        monkeypatch.setenv(name, value)
    engine = find_engine()
    for words in ("stack init dev", "up --stack dev --yes --skip-preview"):
        command = (engine.path, *words.split(), "--cwd", str(folder))
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    return Project(folder, engine, lambda line: None)


def test_a_protection_that_is_lifted_is_shown_before_and_gone_afterwards(
    project: Project, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.json"
    assert project.preview("dev", plan).steps == ()
    (project.folder / "kept.json").write_text("false")
    (lifted,) = project.preview("dev", plan).steps
    assert (lifted.action, lifted.key) == (Action.UPDATE, "data")
    assert lifted.changes == (Change("protect", before=True, after=False),)
    project.up("dev", plan)
    (state,) = (f for f in (tmp_path / "state").rglob("stacks/**/dev.json") if f.is_file())
    stored = json.loads(state.read_text())["checkpoint"]["latest"]["resources"]
    assert not any(resource.get("protect") for resource in stored)
    assert project.preview("dev", plan).steps == ()
