"""Homes for tests: a ready local store, made once and copied, and processes that see no other."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

#: Variables of the developer's own that must not reach a test.
FOREIGN = ("ZENML_", "KITARU_", "PULUMI_", "AWS_", "GOOGLE_", "AZURE_", "ARM_")


def clean_environment() -> dict[str, str]:
    """The environment without anything that says where a store or a cloud is."""
    return {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(FOREIGN) and key not in {"NO_COLOR", "FORCE_COLOR"}
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
        """Run a command in this home, without a terminal."""
        return subprocess.run(
            argv,
            env=self.environment(**env),
            cwd=cwd or self.path,
            input=input,
            stdin=None if input is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

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
    config = home.config / "config.yaml"
    config.write_text(config.read_text().replace(str(template.config), str(home.config)))
    return home


def make_template(path: Path) -> Home:
    """A home whose local store ZenML itself has made."""
    home = empty_home(path)
    made = home.run(
        sys.executable, "-c", "from zenml.client import Client; Client().active_stack_model"
    )
    assert made.returncode == 0, made.stderr
    return home
