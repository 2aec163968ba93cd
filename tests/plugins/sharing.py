"""Which worker runs which test: all that use a server are one worker's.

Each of them begins with an empty server, so that two could not run at the same moment; as one group
they are one worker's, and the other starts no server. Those on servers of older releases are a
second group. (`--dist loadgroup` means this, and groups nothing with pytest 9.2: xdist 3.8 writes
the group into an attribute that is gone.)
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.plugins.needs import KINDS
from tests.warm.client import run_folder


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Share out the tests, in the main process."""
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Sharing(LoadScopeScheduling):
        """Long tests one by one; light ones by file, or workers wait longer than they work."""

        _kinds: dict[str, str] | None = None

        def _split_scope(self, nodeid: str) -> str:
            if self._kinds is None:  # the workers have collected by now, and written it
                self._kinds = json.loads((run_folder() / KINDS).read_text())
            kind = self._kinds[nodeid]
            if kind in {"server", "releases"}:
                return kind
            return nodeid if kind == "long" else nodeid.partition("::")[0]

    return Sharing(config, log)
