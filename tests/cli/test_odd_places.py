"""Files, folders and names that nobody would choose: answered in our words, and nobody waits."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.conftest import Kitaru
from tests.homes import Home

#: What a terminal gives for a byte that is no text.
NO_TEXT = os.fsdecode(b"\xff")


def test_a_folder_with_odd_things_in_it(home: Home, kitaru: Kitaru, tmp_path: Path) -> None:
    folder = tmp_path / "stacks"
    folder.mkdir()
    (folder / "dev.yaml").write_text("name: dev\n")
    (folder / "around").symlink_to(folder)
    (folder / "folder.yaml").mkdir()
    preview = ("stack", "preview", "-f", str(folder))
    assert kitaru(*preview).code == 0
    (folder / "self.yaml").symlink_to(folder / "self.yaml")
    looping = kitaru(*preview)
    assert looping.code == 64
    assert "self.yaml: the file cannot be read" in looping.err
    (folder / "self.yaml").unlink()
    os.mkfifo(folder / "pipe.yaml")
    piped = kitaru(*preview)
    assert piped.code == 64
    assert "pipe.yaml: it is not a file" in piped.err
    (folder / "pipe.yaml").unlink()

    plan = tmp_path / "plan.json"
    (folder / f"{NO_TEXT}.yaml").write_text("name: odd\n")
    done = kitaru(*preview, "--out", str(plan))
    assert done.code == 0, done.err
    assert len(json.loads(plan.read_text())["stacks"]) == 2
    plan.unlink()
    plan.symlink_to(plan)
    refused = kitaru(*preview, "--out", str(plan))
    assert refused.code == 1
    assert "A link there leads to itself" in refused.err


@pytest.mark.parametrize("command", ["show", "drift", "health", "export", "adopt --yes", "use"])
def test_bytes_that_are_no_text_name_no_stack(home: Home, kitaru: Kitaru, command: str) -> None:
    done = kitaru("stack", *command.split(), NO_TEXT)
    assert done.code == 4, done.err
    assert "No stack has the name or id" in done.err
