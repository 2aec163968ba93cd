"""Which tests are counted where branches are (`--cov`).

Not those in which ZenML and Pulumi work in the test's own process: to trace them takes three
quarters of the time once more, nearly all of it in packages that are not ours. Of those that ask a
cloud on loopback, where boto3 does, one in three: their cases differ by an answer, and share most
branches.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import pytest

_NEVER = ("engine", "server", "store", "slow")
_ONE_IN_THREE = "clouds"
#: pytest-cov's plugin.
_COV = "_cov"


def is_counted(item: pytest.Item) -> bool:
    """Whether the branches that a test runs are counted; the same in each run."""
    if any(map(item.get_closest_marker, _NEVER)):
        return False
    if item.get_closest_marker(_ONE_IN_THREE):
        return zlib.crc32(item.nodeid.encode()) % 3 == 0
    return True


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    # pytest-cov's own marker, `no_cover`, leaves the fixtures counted, which fill whole stores.
    plugin = item.config.pluginmanager.getplugin(_COV)
    controller = getattr(plugin, "cov_controller", None)
    if controller is not None and is_counted(item) is not controller.started:
        controller.resume() if is_counted(item) else controller.pause()
    return (yield)
