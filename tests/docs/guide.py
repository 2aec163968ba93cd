"""Following a guide for contributors on a copy of the project: its blocks are what it tells to do.

Conventions, in the words after the three backticks:

``LANGUAGE new PATH``
    A new file.
``diff PATH``
    A change to a file that is there: the lines around it, and ``+`` or ``-`` before those that come
    or go. What is replaced has to be there exactly once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import kitaru_iac
from tests.docs.markdown import ROOT, blocks


@dataclass
class Followed:
    """A copy of the project after a guide was followed.

    Attributes:
        root: Where it is.
        added: The files that are new.
        changed: The files that were there before, with the number of lines that were added.
    """

    root: Path
    added: list[str] = field(default_factory=list)
    changed: dict[str, int] = field(default_factory=dict)

    def run(self, program: str, *arguments: str) -> str:
        """Run a Python program with the copy, and give what it prints."""
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(self.root)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def follow(guide: Path, root: Path) -> Followed:
    """Copy the package and the scripts to `root`, and do there what the guide says."""
    # The package is not beside the tests where they run on the built wheel.
    folders = {"kitaru_iac": Path(kitaru_iac.__file__).parent, "scripts": ROOT / "scripts"}
    for name, folder in folders.items():
        shutil.copytree(folder, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    followed = Followed(root)
    for block in blocks(guide):
        if block.words[1:2] == ("new",):
            path = root / block.words[2]
            assert not path.exists(), f"{block}: it is there already"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
            followed.added.append(block.words[2])
        elif block.words[:1] == ("diff",):
            path = root / block.words[1]
            lines = block.text.splitlines(keepends=True)
            before = "".join(line[1:] for line in lines if not line.startswith("+"))
            after = "".join(line[1:] for line in lines if not line.startswith("-"))
            text = path.read_text()
            assert text.count(before) == 1, f"{block}: {text.count(before)} times in the file"
            path.write_text(text.replace(before, after))
            more = sum(line.startswith("+") for line in lines)
            followed.changed[block.words[1]] = followed.changed.get(block.words[1], 0) + more
    return followed
