"""Where a run's time went, by folder, beside what each folder may take: `tests/budgets.toml`.

Seconds of the workers together. A folder that takes twice its budget is named; it fails nothing, as
no machine is like another. Beside them, the processor's seconds: of the worker and of the processes
that a test has waited for, not of servers that many share.
"""

from __future__ import annotations

import os
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

_BUDGETS = Path(__file__).parents[1] / "budgets.toml"
_seconds = pytest.StashKey[Counter[str]]()
_begun = pytest.StashKey[float]()
_CPU = "cpu_seconds"
#: So many tests are named.
_MOST = 25


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[_begun] = _cpu()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if call.when == "teardown" and _begun in item.stash:
        report.user_properties.append((_CPU, round(_cpu() - item.stash[_begun], 3)))
    return report


def _cpu() -> float:
    return sum(os.times()[:4])


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_seconds] = Counter()
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Watch(config.stash[_seconds]), "budgets-watch")


class _Watch:
    def __init__(self, seconds: Counter[str]) -> None:
        self._seconds = seconds
        self._cpu: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[folder_of(report.nodeid)] += report.duration
        if report.when == "teardown":
            self._cpu[report.nodeid] = dict(report.user_properties).get(_CPU, 0)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        total = sum(self._seconds.values())
        if total < 60:
            return  # a choice of tests
        budgets: dict[str, int] = tomllib.loads(_BUDGETS.read_text())["seconds"]
        terminalreporter.section("time by folder")
        used: Counter[str] = Counter()
        for test, seconds in self._cpu.items():
            used[folder_of(test)] += seconds
        for folder, seconds in self._seconds.most_common():
            budget = budgets.get(folder)
            over = "   twice its budget" if budget and seconds > 2 * budget else ""
            shown = f"{budget:>6}" if budget else "     -"
            cpu = f"{used[folder]:>6.0f} s of CPU"
            terminalreporter.line(f"{folder:<28}{seconds:>6.0f} s of {shown} s {cpu}{over}")
        budget, cpu = f"{sum(budgets.values()):>6}", f"{sum(used.values()):>6.0f} s of CPU"
        terminalreporter.line(f"{'together':<28}{total:>6.0f} s of {budget} s {cpu}")
        terminalreporter.section("tests that take the most CPU")
        for test, seconds in self._cpu.most_common(_MOST):
            terminalreporter.line(f"{seconds:>6.1f} s  {test}")


def folder_of(nodeid: str) -> str:
    """The folder of a test: ``tests/clouds`` of ``tests/clouds/aws/test_trust.py::test_it``."""
    parts = nodeid.partition("::")[0].split("/")
    return "/".join(parts[: min(2, len(parts) - 1)]) or "."
