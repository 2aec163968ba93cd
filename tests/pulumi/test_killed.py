"""A plugin that dies before any of its writes, or after the last: the next one converges.

It dies in this process: from then on nothing that it writes arrives, be it what would take the
change back or the note of the change that goes. A true death is in `test_interrupts`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from kitaru_iac.gateway.in_process import InProcess
from kitaru_iac.machine import unfinished
from kitaru_iac.pulumi.plugin import runs, stacks
from tests.homes import Home
from tests.pulumi import stored
from tests.pulumi.driver import Engine, Killed, Wanted
from tests.pulumi.test_operations import program

WRITES = [
    *((InProcess, f"create_{what}") for what in ("stack", "component", "connector")),
    *((InProcess, f"update_{what}") for what in ("stack", "component", "connector")),
    (InProcess, "delete"),
    (unfinished, "end"),
    (runs, "settle"),
]


class Death:
    """Whether it came."""

    came = False


@contextmanager
def dying_at(write: int) -> Iterator[Death]:
    """Let the plugin die right before one of its writes, counted from 0."""
    death, left = Death(), write

    def mortal(do: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            nonlocal left
            if left == 0:
                death.came = True
                raise Killed
            left -= 1
            return do(*args, **named)

        return call

    with pytest.MonkeyPatch.context() as patched:
        for owner, name in WRITES:
            patched.setattr(owner, name, mortal(getattr(owner, name)))
        yield death


#: What is wanted at the end, and whether the stack is to be replaced on the way.
OPERATIONS: dict[str, tuple[dict[str, Wanted], bool]] = {
    "update": (
        program(
            **{"artifactStore": "s3://second-bucket/kitaru", "async": True},
            credentials=str(program()["dev"].inputs["credentials"]).replace("FIRST", "OTHER"),
        ),
        False,
    ),
    "--replace": (program(), True),
    "delete": ({}, False),
}


@pytest.mark.parametrize("operation", ["create", *OPERATIONS])
def test_the_same_operation_goes_on(home: Home, operation: str) -> None:
    wanted, replaced = OPERATIONS.get(operation, (program(), False))
    write, died = 0, True
    while died:
        engine = Engine(f"{operation.strip('-')}{write}")
        if operation != "create":
            engine.up(program())
        replace = {"dev"} if replaced else set()
        before = engine.export()
        with dying_at(write) as death:
            try:
                engine.up(wanted, replace=replace)
            except Killed:
                assert death.came
        died = death.came
        assert not stacks._write_lock.locked()
        if not died:  # it dies after its last write, and the engine hears nothing of it
            engine.state, engine.pending = before, []
        engine.up(wanted, replace=replace)
        if wanted:
            held, found = engine.state["dev"], stored.records("dev")
            assert found is not None
            assert held.id == found.id
            assert held.properties["ownerRun"] == found.labels["kitaru.owner_run"]
            assert engine.up(wanted, preview=True) == {"dev": "same"}
            engine.refresh()
            assert engine.up(wanted, preview=True) == {"dev": "same"}
        engine.destroy()
        assert stored.names() == {"default"}
        assert stored.parts("dev") == set()
        write += 1
    assert write > 3
