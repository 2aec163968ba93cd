"""Homes for tests: a ready local store, made once and copied, and processes that see no other."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from kitaru_iac.machine import ci
from tests.warm import client as warm

_MAKE = "from zenml.client import Client; Client().active_stack_model"
#: Variables of the developer's own that must not reach a test.
FOREIGN = ("ZENML_", "KITARU_", "PULUMI_", "AWS_", "GOOGLE_", "AZURE_", "ARM_")


def clean_environment() -> dict[str, str]:
    """The environment without anything that says where a store or a cloud is."""
    return {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(FOREIGN) and key not in {"NO_COLOR", "FORCE_COLOR", *ci.VARIABLES}
    }


@dataclass(frozen=True, slots=True)
class Home:
    """A configuration home of its own, in a HOME of its own.

    Attributes:
        path: The HOME directory.
        config: ZenML's configuration directory in it.
        extra: Variables that point a process elsewhere, as at a server.
    """

    path: Path
    config: Path
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def database(self) -> Path:
        """The local store's SQLite file."""
        return self.config / "local_stores" / "default_zen_store" / "zenml.db"

    def environment(self, **more: str) -> dict[str, str]:
        """What a process in this home sees."""
        return {
            **clean_environment(),
            "HOME": str(self.path),
            "ZENML_CONFIG_PATH": str(self.config),
            "ZENML_ANALYTICS_OPT_IN": "false",
            "AWS_EC2_METADATA_DISABLED": "true",
            "COLUMNS": "100",
            **self.extra,
            **more,
        }

    def run(
        self, *argv: str, input: str | None = None, cwd: Path | None = None, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in this home, without a terminal; see `tests.warm`."""
        return warm.run(argv, env=self.environment(**env), cwd=cwd or self.path, input=input)

    def kitaru(
        self, *argv: str, input: str | None = None, cwd: Path | None = None, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the `kitaru` command in this home."""
        return self.run(
            sys.executable, "-m", "kitaru_iac.cli.main", *argv, input=input, cwd=cwd, **env
        )


def empty_home(path: Path, **extra: str) -> Home:
    """A home in which nothing was ever run."""
    path.mkdir(parents=True, exist_ok=True)
    return Home(path, path / "zenml", extra)


def ready_home(template: Home, path: Path) -> Home:
    """A copy of a home whose local store is there; its configuration names the copy's own paths."""
    shutil.copytree(template.path, path)
    home = Home(path, path / "zenml")
    _move(home, template.path)
    return home


def _move(home: Home, old: Path) -> None:
    """Let the configuration of a home that was elsewhere name its own paths."""
    config = home.config / "config.yaml"
    config.write_text(config.read_text().replace(f"{old}/", f"{home.path}/"))


def make_template(
    cache: Path, release: str = version("zenml"), program: str = sys.executable
) -> Home:
    """A home whose local store ZenML itself has made, once for each version of it.

    Args:
        cache: Where it is kept between runs.
        release: The version of ZenML.
        program: The Python that has it.
    """
    digest = hashlib.sha256(_MAKE.encode()).hexdigest()[:8]
    python = ".".join(map(str, sys.version_info[:2]))
    place = cache / f"home-zenml-{release}-{python}-{digest}"
    cache.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            with tempfile.TemporaryDirectory(dir=cache, prefix="home-") as folder:
                made = empty_home(Path(folder) / "home").run(program, "-c", _MAKE)
                assert made.returncode == 0, made.stderr
                (Path(folder) / "home").rename(place)
                _move(Home(place, place / "zenml"), Path(folder) / "home")
    return Home(place, place / "zenml")
