"""What `./scripts/test --quick` leaves out beside what its markers do: most rows of long tables.

Such rows differ by a value, and a fault mostly shows in many of them. It is the same choice in each
run; the rows of a file that is not as it was committed are all run. All of them run in CI.
"""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.plugins.counted import LONG, function_of, is_in_share

#: Set by `scripts/test --quick`.
_QUICK = "TESTS_QUICK"
#: Of a long table one row in so many is run.
_SHARE = 16


@pytest.hookimpl(trylast=True)  # after the markers have chosen
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get(_QUICK) != "1":
        return
    rows = Counter(map(function_of, items))
    edited = _edited(config.rootpath)
    left_out = [
        item
        for item in items
        if rows[function_of(item)] > LONG and not is_chosen(item.nodeid) and item.path not in edited
    ]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        gone = set(map(id, left_out))
        items[:] = [item for item in items if id(item) not in gone]


def is_chosen(nodeid: str) -> bool:
    """Whether a row of a long table is run."""
    return is_in_share(nodeid, _SHARE)


def _edited(root: Path) -> set[Path]:
    """The files that are not as they were committed; none where git does not say."""
    ask = ("git", "status", "--porcelain", "--no-renames", "-z", "--", "tests")
    try:
        said = subprocess.run(ask, cwd=root, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return set()
    return {root / line[3:] for line in said.split("\0") if line}
