"""Signals to the real command, in the middle of its writes: what it says, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.homes import Home
from tests.stacks.interrupts import rows

NOTHING = {"stack": [], "stack_component": [], "service_connector": [], "secret": []}
#: The command, which gets signals while it asks ZenML for a stack: after it was made, or before.
STRUCK = """
import signal, sys
from kitaru_iac.gateway.in_process import InProcess
create = InProcess.create_stack
numbers = [getattr(signal, name) for name in sys.argv.pop(1).split()]
def struck(self, new):
    made = create(self, new)
    for number in numbers:
        signal.raise_signal(number)
    return made
InProcess.create_stack = struck
from kitaru_iac.cli.main import main
sys.exit(main())
"""


def strike(home: Home, signals: str, *more: str) -> subprocess.CompletedProcess[str]:
    words = ("stack", "create", "dev", *more)
    return home.run(sys.executable, "-c", STRUCK, signals, *words)


@pytest.mark.parametrize("signals", ["SIGINT", "SIGTERM"])
def test_a_signal_takes_back_what_was_written_and_says_so(home: Home, signals: str) -> None:
    done = strike(home, signals)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.splitlines() == [
        "Interrupted: what is under way is ended, or taken back. Once more ends at once.",
        "Error: Interrupted; nothing was changed.",
    ]
    assert rows(home.database) == NOTHING


def test_a_second_signal_ends_at_once_with_the_command_that_mends_it(home: Home) -> None:
    done = strike(home, "SIGINT SIGINT", "-o", "json")
    assert (done.returncode, done.stdout) == (130, "")
    error = json.loads(done.stderr)["error"]
    assert error["code"] == "interrupted"
    assert error["remedy"].endswith("kitaru stack clean")
    assert rows(home.database)["stack"] == ["dev"]

    asked = home.kitaru("stack", "clean", "-o", "json")
    assert (asked.returncode, asked.stdout) == (0, asked.stdout), asked.stderr
    again = home.kitaru("stack", "create", "dev")
    assert again.returncode == 5  # it is whole, and not left over any more
    assert home.kitaru("stack", "delete", "dev", "--recursive").returncode == 0
    assert rows(home.database) == NOTHING


def test_what_is_left_over_is_shown_and_removed_with_consent_alone(home: Home) -> None:
    from tests.stacks.kills import COMMANDS

    killed = STRUCK.replace("made = create(self, new)", "import os; os._exit(9)")
    done = home.run(sys.executable, "-c", killed, "SIGINT", *COMMANDS["create"][1])
    assert done.returncode == 9
    assert rows(home.database)["service_connector"] == ["dev"]
    asked = home.kitaru("stack", "clean")
    assert asked.returncode == 1
    assert "Left over: dev (service_connector): its stack was being registered" in asked.stderr
    assert rows(home.database)["service_connector"] == ["dev"]
    cleaned = home.kitaru("stack", "clean", "--yes", "-o", "json")
    item = json.loads(cleaned.stdout)["item"]
    assert [left["kind"] for left in item["removed"]] == ["service_connector"]
    assert rows(home.database) == NOTHING
    assert home.kitaru("stack", "clean").stdout == "Nothing is left over.\n"


#: `stack use`, which gets Ctrl-C right after it has written, or before it answers.
STRUCK_USE = """
import signal, sys
from kitaru_iac.cli.output import Output
from kitaru_iac.connection import active
place, name = {"write": (active, "set_active"), "answer": (Output, "item")}[sys.argv.pop(1)]
inner = getattr(place, name)
def struck(*given):
    made = inner(*given) if place is active else None
    signal.raise_signal(signal.SIGINT)
    return made
setattr(place, name, struck)
from kitaru_iac.cli.main import main
sys.exit(main())
"""


@pytest.mark.parametrize("moment", ["write", "answer"])
def test_a_switch_that_was_made_is_said(home: Home, moment: str) -> None:
    use = ("-c", STRUCK_USE, moment, "stack", "use", "default")
    done = home.run(sys.executable, *use, KITARU_STACK="prod")
    assert (done.returncode, done.stdout) == (130, "")
    said = done.stderr.splitlines()[-1]
    assert said == (
        "Error: Interrupted when all was done: stack 'default' is active, "
        "but runs use the one that KITARU_STACK names."
    )
