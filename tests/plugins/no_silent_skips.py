"""In CI a skipped test is a failed run, unless its reason is one of those documented here."""

from __future__ import annotations

import os

import pytest

# Beginnings of reasons that may skip a test in CI, each with the reason why that is no loss.
ALLOWED: dict[str, str] = {
    "not on this platform:": "the test says which platform it is for; CI runs on Linux",
}

_skipped = pytest.StashKey[list[tuple[str, str]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_skipped] = []
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Watch(config), "no-silent-skips-watch")


class _Watch:
    """Listens in the main process, to which the workers of xdist send their reports too."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not report.skipped or hasattr(report, "wasxfail"):
            return
        longrepr = report.longrepr
        reason = str(longrepr[2] if isinstance(longrepr, tuple) else longrepr)
        reason = reason.removeprefix("Skipped: ")
        if not reason.startswith(tuple(ALLOWED)):
            self._config.stash[_skipped].append((report.nodeid, reason))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        forbidden = self._config.stash[_skipped]
        if forbidden and os.environ.get("KITARU_CI") == "1" and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        forbidden = self._config.stash[_skipped]
        if forbidden and os.environ.get("KITARU_CI") == "1":
            terminalreporter.section("skipped, which is not allowed in CI", red=True)
            for where, reason in sorted(set(forbidden)):
                terminalreporter.line(f"{where}: {reason}")
