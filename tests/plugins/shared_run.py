"""What the workers of one run share: a folder, and which tests have to be one worker's.

Tests that use the same server wait for each other anyway, since each begins with an empty one: as
one group they are one worker's, and the other starts no server.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.warm.client import begin_run

#: The group of a test that uses one of these fixtures.
GROUPS = {
    "zenml_server_implicit": "servers",
    "zenml_server": "servers",
    "clouds": "servers",
}
_folder = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    if (folder := begin_run()) is not None:
        config.stash[_folder] = folder


def pytest_unconfigure(config: pytest.Config) -> None:
    if (folder := config.stash.get(_folder, None)) is not None:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("xdist_group"):
            continue
        used = set(getattr(item, "fixturenames", ()))
        groups = [group for fixture, group in GROUPS.items() if fixture in used]
        if groups:
            item.add_marker(pytest.mark.xdist_group(groups[0]))
