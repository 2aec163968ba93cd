"""The files of a state that was cut off: which copy is taken, and which is not. No engine."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from pulumi.automation.errors import CommandError

from kitaru_iac.engine import states
from kitaru_iac.engine.checkpoints import Checkpoints, is_damage
from kitaru_iac.engine.errors import StateDamaged, StateForeign, StateLocked, mapped
from kitaru_iac.engine.progress import LinesView
from kitaru_iac.engine.running import Runner
from kitaru_iac.engine.states import States
from kitaru_iac.engine.workspace import Backend

OLD, NEW = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def checkpoint(time: str = OLD, project: str = "kitaru", stack: str = "prod") -> str:
    urn = f"urn:pulumi:{stack}::{project}::aws:s3/bucket:Bucket::stack-bucket"
    latest = {"manifest": {"time": time}, "resources": [{"urn": urn}]}
    inner = {"stack": f"organization/{project}/{stack}", "latest": latest}
    return json.dumps({"version": 3, "checkpoint": inner})


@pytest.fixture
def files(tmp_path: Path) -> Checkpoints:
    found = Checkpoints(tmp_path, "kitaru", "prod")
    found.file.parent.mkdir(parents=True)
    (tmp_path / ".pulumi" / "backups" / "kitaru" / "prod").mkdir(parents=True)
    return found


def keep(files: Checkpoints, bak: str | None = None, **backups: str) -> None:
    if bak is not None:
        Path(f"{files.file}.bak").write_text(bak)
    for number, text in backups.items():
        folder = files.folder / ".pulumi" / "backups" / "kitaru" / "prod"
        (folder / f"prod.{number}.json").write_text(text)


def reader(files: Checkpoints, said: list[str], monkeypatch: pytest.MonkeyPatch) -> States:
    monkeypatch.setattr(states, "_READ_PAUSE", 0)
    runner = Runner("prod", "file:///b", LinesView(said.append), lambda: None, 0)
    return States(Backend(files.folder.as_uri()), "kitaru", "prod", runner)


def pulumi(files: Checkpoints) -> str:
    """Read as the engine does, whose words are those of 3.274.1."""
    text = files.file.read_text()
    try:
        json.loads(text)
    except ValueError:
        words = "failed to load checkpoint: place 1: unexpected end of JSON input"
        raise CommandError(f"code: 255\n stderr: error: {words}\n") from None
    return text


@pytest.mark.parametrize("left", ["", checkpoint(NEW)[:100]], ids=["empty", "cut"])
@pytest.mark.parametrize(
    ("kept", "taken"),
    [
        ({"bak": checkpoint(NEW), "a1": checkpoint(OLD)}, checkpoint(NEW)),
        ({"bak": checkpoint(OLD), "a1": checkpoint(NEW)}, checkpoint(NEW)),
        ({"bak": "", "a1": checkpoint(OLD)}, checkpoint(OLD)),
        ({"bak": checkpoint(NEW, stack="dev"), "a1": checkpoint(OLD)}, checkpoint(OLD)),
        ({"bak": checkpoint(NEW, project="shop"), "a1": checkpoint(OLD)}, checkpoint(OLD)),
    ],
    ids=["the copy", "a newer backup", "the copy is cut too", "another stack's", "a project's"],
)
def test_the_newest_whole_copy_of_the_deployment_is_gone_on_with(
    files: Checkpoints,
    monkeypatch: pytest.MonkeyPatch,
    left: str,
    kept: dict[str, str],
    taken: str,
) -> None:
    files.file.write_text(left)
    Path(f"{files.file}.attrs").write_text("{}")
    keep(files, **kept)
    said: list[str] = []
    assert reader(files, said, monkeypatch).read_whole(lambda: pulumi(files)) == taken
    assert Path(f"{files.file}.damaged").read_text() == left
    assert not Path(f"{files.file}.attrs").exists()
    assert "was cut off: going on with Pulumi's copy of 2026" in said[0]
    assert str(files.file) in said[0]


@pytest.mark.parametrize("kept", [{}, {"bak": ""}, {"bak": checkpoint(stack="dev")}])
def test_without_a_copy_that_fits_the_state_is_left_and_the_way_on_is_told(
    files: Checkpoints, monkeypatch: pytest.MonkeyPatch, kept: dict[str, str]
) -> None:
    files.file.write_text("")
    keep(files, **kept)
    with pytest.raises(StateDamaged) as damaged:
        reader(files, [], monkeypatch).read_whole(lambda: pulumi(files))
    assert f"mv {files.file} {files.file}.damaged" in str(damaged.value.remedy)
    assert "--take-back" in str(damaged.value.remedy)
    assert files.file.read_text() == ""


@pytest.mark.parametrize(
    ("host", "taken"), [("elsewhere.example", False), (socket.gethostname(), True)]
)
def test_a_state_that_somebody_may_be_writing_is_not_replaced(
    files: Checkpoints, monkeypatch: pytest.MonkeyPatch, host: str, *, taken: bool
) -> None:
    files.file.write_text("")
    keep(files, bak=checkpoint())
    folder = files.folder / ".pulumi" / "locks" / "organization" / "kitaru" / "prod"
    folder.mkdir(parents=True)
    # This process is Python, so here it is the number of an engine that has ended.
    lock = {"pid": os.getpid(), "username": "eve", "hostname": host, "timestamp": NEW}
    (folder / "1.json").write_text(json.dumps(lock))
    (folder / "2.json").write_text("")
    read = reader(files, [], monkeypatch).read_whole
    if taken:
        assert read(lambda: pulumi(files)) == checkpoint()
        return
    with pytest.raises(StateLocked, match=f"eve on {host} since {NEW}"):
        read(lambda: pulumi(files))
    assert files.file.read_text() == ""


@pytest.mark.parametrize("text", ["", '{"user.cache_con', "{}"])
@pytest.mark.parametrize("age", [0, 60])
def test_attributes_that_a_dead_engine_left_incomplete_are_removed(
    files: Checkpoints, text: str, age: int
) -> None:
    files.file.write_text(checkpoint())
    file = Path(f"{files.file}.attrs")
    file.write_text(text)
    os.utime(file, (file.stat().st_mtime - age,) * 2)
    files.mend_beside()
    assert file.exists() == (text == "{}" or age == 0)


@pytest.mark.parametrize("cut", ["", '{"user.'])
@pytest.mark.parametrize("name", ["stacks/kitaru/prod.json.attrs", "meta.yaml.attrs"])
def test_what_a_dead_engine_cut_off_beside_the_state_is_left_to_the_engine_s_reading(
    name: str, cut: str, files: Checkpoints
) -> None:
    files.file.write_text(checkpoint())
    beside = files.folder / ".pulumi" / name
    beside.write_text("{}")
    assert files.deployment() is not None
    beside.write_text(cut)
    assert files.deployment() is None


def test_the_note_of_the_format_is_written_again_where_there_is_a_state(files: Checkpoints) -> None:
    note = files.folder / ".pulumi" / "meta.yaml"
    note.write_text("")
    files.mend_beside()
    assert note.read_text() == ""  # nothing tells which format it was
    files.file.write_text(checkpoint())
    files.mend_beside()
    assert note.read_text() == "version: 1\n"


@pytest.mark.parametrize(
    ("text", "damaged"),
    [
        ("error: failed to load checkpoint: EOF", True),
        ('failed to load checkpoint: blob (key "a") (code=Unknown): unexpected EOF', True),
        ("failed to load checkpoint: place 1: unexpected end of JSON input", True),
        ('error: corrupt store: missing version in ".pulumi/meta.yaml"', True),
        ('error: read ".pulumi/meta.yaml": EOF', True),
        ("error: failed to load checkpoint: permission denied", False),
        ("error: EOF", False),
    ],
)
def test_what_was_cut_off_is_told_from_the_engines_words(text: str, *, damaged: bool) -> None:
    assert is_damage(text) == damaged


def test_a_state_elsewhere_than_in_a_folder_is_never_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runner = Runner("prod", "s3://states", LinesView(lambda _: None), lambda: None, 0)
    found = States(Backend("s3://states"), "kitaru", "prod", runner)

    def read() -> str:
        raise CommandError("stderr: error: failed to load checkpoint: unexpected EOF")

    with pytest.raises(StateDamaged, match="unexpected EOF") as damaged:
        found.read_whole(read)
    assert ".bak" in str(damaged.value.remedy)
    told = mapped(CommandError("stderr: error: failed to load checkpoint: EOF"), stack="prod",
                  backend="s3://states", doing="preview")  # fmt: skip
    assert isinstance(told, StateDamaged)
    assert "same command" not in str(told)


@pytest.mark.parametrize(
    ("project", "stack", "own"),
    [("kitaru", "prod", True), ("shop", "prod", False), ("kitaru", "dev", False)],
)
def test_the_state_of_another_project_is_not_worked_on(
    files: Checkpoints, monkeypatch: pytest.MonkeyPatch, project: str, stack: str, *, own: bool
) -> None:
    state: Any = json.loads(checkpoint(project=project, stack=stack))["checkpoint"]["latest"]
    found = reader(files, [], monkeypatch)
    exporting: Any = type("S", (), {"export_stack": lambda _: type("E", (), {
        "deployment": state, "version": 3})()})()  # fmt: skip
    if own:
        assert found.read(exporting) == state
        return
    with pytest.raises(StateForeign, match=f"{stack} of project {project}"):
        found.read(exporting)
