"""Which tests are counted where branches are (`--cov`).

Not those in which ZenML and Pulumi work in the test's own process: to trace them takes three
quarters of the time once more, nearly all of it in packages that are not ours. Nor those that go
through hundreds of values in one test: they take the same branches over and over, and tracing takes
more than twice the time there. Of those that ask a cloud on loopback, where boto3 does, one in
three, and one in five of a table with many rows: such cases differ by an answer or a value, and
share most branches.

What is run when modules are imported is counted in one worker, since each imports the same.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

_NEVER = ("engine", "server", "store", "slow", "hypothesis", "no_cover")
_CLOUDS = "clouds"
#: A test with more cases than this is a table.
LONG = 8
#: pytest-cov's plugin.
_COV = "_cov"

_cases: Counter[str] = Counter()


def is_counted(item: pytest.Item) -> bool:
    """Whether the branches that a test runs are counted; the same in each run of all tests."""
    if any(map(item.get_closest_marker, _NEVER)):
        return False
    share = 3 if item.get_closest_marker(_CLOUDS) else 1
    if _cases[function_of(item)] > LONG:
        share = 5
    return is_in_share(item.nodeid, share)


def is_in_share(nodeid: str, share: int) -> bool:
    """Whether a test is one of those of which one in so many is taken; the same in each run."""
    return zlib.crc32(nodeid.encode()) % share == 0


def function_of(item: pytest.Item) -> str:
    """The test without its row."""
    return item.nodeid.split("[")[0]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    _cases.update(map(function_of, items))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> Iterator[None]:
    worker = getattr(session.config, "workerinput", {}).get("workerid")
    first = _controller(session.config)
    if first is not None and (worker or session.config.getoption("dist", "no") != "no"):
        # In a worker pytest-cov counts twice; the first counter's numbers are never read, and it
        # would go on wherever the second is paused. What hands the tests out runs nothing of ours.
        first.cov.stop()
    yield
    if first is not None and worker and worker != "gw0":
        _controller(session.config).pause()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    # pytest-cov's own marker, `no_cover`, leaves the fixtures counted, which fill whole stores.
    controller = _controller(item.config)
    if controller is not None and is_counted(item) is not controller.started:
        controller.resume() if is_counted(item) else controller.pause()
    return (yield)


def _controller(config: pytest.Config) -> Any:
    return getattr(config.pluginmanager.getplugin(_COV), "cov_controller", None)
