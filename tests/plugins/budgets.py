"""Where a run's time went, by folder, beside what each folder may take: `tests/budgets.toml`.

Seconds of the workers together. A folder that takes twice its budget is named; it fails nothing, as
no machine is like another.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import pytest

_BUDGETS = Path(__file__).parents[1] / "budgets.toml"
_seconds = pytest.StashKey[Counter[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_seconds] = Counter()
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Watch(config.stash[_seconds]), "budgets-watch")


class _Watch:
    def __init__(self, seconds: Counter[str]) -> None:
        self._seconds = seconds

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[folder_of(report.nodeid)] += report.duration

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        total = sum(self._seconds.values())
        if total < 60:
            return  # a choice of tests
        budgets: dict[str, int] = tomllib.loads(_BUDGETS.read_text())["seconds"]
        terminalreporter.section("time by folder")
        for folder, seconds in self._seconds.most_common():
            budget = budgets.get(folder)
            over = "   twice its budget" if budget and seconds > 2 * budget else ""
            shown = f"{budget:>6}" if budget else "     -"
            terminalreporter.line(f"{folder:<28}{seconds:>6.0f} s of {shown} s{over}")
        terminalreporter.line(f"{'together':<28}{total:>6.0f} s of {sum(budgets.values()):>6} s")


def folder_of(nodeid: str) -> str:
    """The folder of a test: ``tests/clouds`` of ``tests/clouds/aws/test_trust.py::test_it``."""
    parts = nodeid.partition("::")[0].split("/")
    return "/".join(parts[: min(2, len(parts) - 1)]) or "."
