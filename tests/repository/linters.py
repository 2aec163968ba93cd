"""What linters and published schemas say of the files that CI reads."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

__all__ = ["actionlint", "complaints", "schema", "zizmor"]

#: With Go's own caches: this module is imported before a test has a home of its own.
_ENVIRON = dict(os.environ)


def actionlint(repository: Path) -> str:
    """What it has to say about the workflows of a repository; empty if nothing."""
    # What of shell scripts and Python it hands on depends on the machine.
    words = [_program(), "-no-color", "-shellcheck=", "-pyflakes="]
    workflows = sorted((repository / ".github" / "workflows").iterdir())
    return complaints(*words, *map(str, workflows), cwd=repository)


def zizmor(repository: Path) -> str:
    """What it has to say, pedantically."""
    program = Path(sys.executable).with_name("zizmor")
    words = (
        str(program),
        "--offline",
        "--no-progress",
        "--persona",
        "pedantic",
        "--color",
        "never",
    )
    return complaints(*words, str(repository), cwd=repository)


def schema(name: str, file: Path) -> str:
    """What a published JSON Schema has to say of a file: those that check-jsonschema comes with."""
    program = Path(sys.executable).with_name("check-jsonschema")
    words = [str(program), "--builtin-schema", f"vendor.{name}"]
    if name == "gitlab-ci":
        words += ["--data-transform", "gitlab-ci"]
    return complaints(*words, str(file), cwd=file.parent)


def complaints(*words: str, cwd: Path) -> str:
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"{done.returncode}: {done.stdout}{done.stderr}"


@cache
def _program() -> str:
    """The program; a tool that cannot have it says why on stderr."""
    tool = Path(__file__).parents[2] / "tools" / "workflow-linter"
    done = subprocess.run(
        [sys.executable, tool], env=_ENVIRON, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.strip()
