"""Options and arguments that take a number: whatever is written there is answered, or refused."""

from __future__ import annotations

import os
from typing import Any

import pytest

import kitaru_iac
from tests.cli.conftest import Kitaru
from tests.homes import Home

HUGE = str(10**30)
NUMBERS = ("0", "-1", HUGE, "nan", "1.5", "")
#: Options, and which of the numbers they take.
OPTIONS = {
    "stack list --limit": {HUGE},
    "stack list --page": {HUGE},
    "login http://127.0.0.1:9 --timeout": set(),
    "status --timeout": set(),
    "login --port": set(),
    "mcp --http --port": {"0"},
}


def test_every_number_is_answered_or_refused(
    home: Home, kitaru: Kitaru, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "execv", lambda *_: 0)
    wrong = []
    for option, taken in OPTIONS.items():
        for number in NUMBERS:
            done = kitaru(*option.split(), number, "-o", "json")
            expected = 0 if number in taken else 64
            if done.code != expected or "Unexpected" in done.err:
                wrong.append((option, number, done))
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize("port", ["-1", "65536", HUGE, "nan"])
def test_the_server_for_agents_takes_ports_alone(
    port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from kitaru_iac.mcp.main import main

    with pytest.raises(SystemExit) as ended:
        main(["--http", "--port", port])
    assert ended.value.code == 64
    assert capsys.readouterr().out == ""


def test_in_python_too(home: Home) -> None:
    assert kitaru_iac.list_stacks(limit=10**30, page=10**30) == []
    assert len(kitaru_iac.list_stacks(limit=10**30)) == 1
    wrong: Any
    for wrong in (0, -1, float("nan"), float("inf"), 1.5, "1", True):
        for given in ({"limit": wrong}, {"limit": 1, "page": wrong}):
            with pytest.raises(kitaru_iac.UsageError, match="whole numbers from 1"):
                kitaru_iac.list_stacks(**given)
