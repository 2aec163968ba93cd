"""A folder that all processes of one run share: see `tests.warm`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.warm.client import begin_run

_folder = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    if (folder := begin_run()) is not None:
        config.stash[_folder] = folder


def pytest_unconfigure(config: pytest.Config) -> None:
    if (folder := config.stash.get(_folder, None)) is not None:
        shutil.rmtree(folder, ignore_errors=True)
