"""Servers of older ZenML releases, each from PyPI in an environment of its own.

The oldest that is supported (`kitaru_iac.gateway.versions`), two in between, and the one installed
here. An environment (220-260 MB) and a database that its release has made are built once on a
machine, in the cache, and begun in the background when a chosen test will ask for them
(`tests.plugins.needs`): ``python -m tests.servers.releases CACHE RELEASE...``.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

__all__ = [
    "CACHE",
    "INSTALLED",
    "OLDER",
    "RELEASES",
    "Template",
    "environment_of",
    "keeps_environment",
    "template_of",
]

#: The release in this environment: the newest that is supported.
INSTALLED = version("zenml")
#: The others, oldest first.
OLDER = ("0.85.0", "0.93.1", "0.96.1")
RELEASES = (*OLDER, INSTALLED)

#: What the installer sees: this module is imported before a test has a home of its own.
_ENVIRON = dict(os.environ)
#: What is made once on a machine.
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kitaru-iac" / "tests"
_ROOT = Path(__file__).parents[2]
_LOCKS = Path(__file__).with_name("locks")
_PYTHON = ".".join(map(str, sys.version_info[:2]))


@dataclass(frozen=True, slots=True)
class Template:
    """A server's database with nothing in it but a service account, and that account's key."""

    database: Path
    api_key: str


def environment_of(release: str, cache: Path = CACHE) -> Path:
    """The Python that has this release of ZenML as a server; made where there is none.

    Args:
        release: One of `RELEASES`.
        cache: Where environments are kept between runs.

    Raises:
        RuntimeError: It cannot be made; ends with what the installer said.
    """
    if release == INSTALLED:
        return Path(sys.executable)
    lock = _LOCKS / f"zenml-{release}.txt"
    place = cache / f"server-zenml-{release}-{_PYTHON}-{_digest(lock.read_text())}"
    with _alone(place):
        if not (place / "ready").exists():
            shutil.rmtree(place, ignore_errors=True)  # of a run that was killed
            _uv("venv", "--quiet", "--python", sys.executable, str(place))
            python = str(place / "bin" / "python")
            _uv("pip", "install", "--quiet", "--python", python, "--requirement", str(lock))
            _run([str(_ROOT / "scripts" / "compile"), python, str(lock)])
            (place / "ready").touch()
    return place / "bin" / "python"


def template_of(release: str, cache: Path = CACHE) -> Template:
    """The database that a server of this release begins with; made by such a server, once.

    A server that finds none migrates an empty file through its whole history: a minute.
    """
    from tests.servers import zenml

    made_by = _digest(Path(zenml.__file__).read_text())
    place = cache / f"database-zenml-{release}-{_PYTHON}-{made_by}"
    python = environment_of(release, cache)
    with _alone(place):
        if not place.exists():
            with tempfile.TemporaryDirectory(dir=cache, prefix="database-") as folder:
                with zenml.ZenMLServer(Path(folder) / "server", python=python) as server:
                    key, database = server.api_key, server.database
                made = Path(folder) / "made"
                made.mkdir()
                shutil.copyfile(database, made / "zenml.db")  # the server has ended: it is whole
                (made / "key.json").write_text(json.dumps(key))
                made.rename(place)
    return Template(place / "zenml.db", json.loads((place / "key.json").read_text()))


def keeps_environment(release: str) -> bool:
    """Whether stacks and components of a release have an `environment`; else it is dropped."""
    return release != "0.85.0"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Nobody else on this machine makes the same."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with (place.parent / f"{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _uv(*arguments: str) -> None:
    """Run uv: what set up this environment, else what `scripts/_uv` finds or fetches."""
    if uv := _ENVIRON.get("UV") or shutil.which("uv", path=_ENVIRON.get("PATH")):
        _run([uv, *arguments])
    else:
        _run(["bash", "-c", 'set -eu; . scripts/_uv; exec "$uv" "$@"', "uv", *arguments])


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command, cwd=_ROOT, env=_ENVIRON, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    for _release in sys.argv[2:]:
        template_of(_release, Path(sys.argv[1]))
