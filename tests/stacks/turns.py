"""Two machines at one server: each call of theirs to the store comes when its turn is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.gateway.memory import MemoryGateway, installed
from tests.stacks.interrupts import WRITES

CALLS = (
    *WRITES,
    *("stacks", "components", "connectors", "connector_with_secrets", "flavors"),
)
_TIMEOUT = 60
#: The home of the machine that a thread stands for.
_here = threading.local()


class Turns:
    """Lets the calls of several machines through in a given order.

    Args:
        order: Whose turn it is, and for how many calls; None is until it has ended. Whoever has not
            ended afterwards goes on by himself.
    """

    def __init__(self, order: Sequence[tuple[str, int | None]]) -> None:
        self._turn = threading.Condition()
        self._order = list(order)
        self._ended: set[str] = set()
        self.calls: dict[str, list[str]] = {}

    def call(self, who: str, what: str, work: Callable[[], Any]) -> Any:
        """Do it when it is this machine's turn."""
        with self._turn:
            if not self._turn.wait_for(lambda: self._is_next(who), _TIMEOUT):
                raise TimeoutError(f"{who} never came to {what}")
            self.calls.setdefault(who, []).append(what)
            try:
                return work()
            finally:
                self._count()
                self._turn.notify_all()

    def end(self, who: str) -> None:
        """Its command has ended."""
        with self._turn:
            self._ended.add(who)
            self._turn.notify_all()

    def _is_next(self, who: str) -> bool:
        while self._order and (self._order[0][0] in self._ended or self._order[0][1] == 0):
            self._order.pop(0)
        return not self._order or self._order[0][0] == who

    def _count(self) -> None:
        if self._order:
            name, count = self._order[0]
            if count is not None:
                self._order[0] = (name, count - 1)


class Client:
    """The store as one machine sees it."""

    def __init__(self, store: MemoryGateway, turns: Turns, who: str) -> None:
        self._store = store
        self._turns = turns
        self._who = who

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name not in CALLS:
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            return self._turns.call(self._who, name, lambda: found(*arguments, **named))

        return call


@contextmanager
def homes_of_their_own(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[None]:
    """Give each machine a configuration home: no lock and no note of one is seen by another."""

    def home() -> Path:
        return folder / str(getattr(_here, "who", "nobody"))

    with monkeypatch.context() as patch:
        patch.setattr("kitaru_iac.machine.locks.config_home", home)
        patch.setattr("kitaru_iac.machine.unfinished.config_home", home)
        yield


@contextmanager
def at_another_machine(who: str) -> Iterator[None]:
    """Do it in this thread as on another machine, amid a command of this one."""
    mine = getattr(_here, "who", "nobody")
    _here.who = who
    try:
        yield
    finally:
        _here.who = mine


class Killed(BaseException):
    """Stands for the process's death: nothing of it is written after it."""


def killed_at(
    memory: MemoryGateway, write: str | tuple[str, ...], command: Callable[[], object]
) -> None:
    """Let a command be killed before the first write whose line begins so."""
    is_dead = False

    def die(line: str) -> None:
        nonlocal is_dead
        is_dead = is_dead or line.startswith(write)
        if is_dead:
            raise Killed

    memory.before_write = die
    with pytest.raises(Killed):
        command()
    memory.before_write = lambda _: None


def side_by_side(
    store: MemoryGateway,
    order: Sequence[tuple[str, int | None]],
    commands: dict[str, Callable[[], object]],
) -> tuple[dict[str, BaseException | None], dict[str, list[str]]]:
    """Run one command on each machine; what each of them raised, and its calls."""
    turns = Turns(order)
    ends: dict[str, BaseException | None] = {}

    def run(who: str, command: Callable[[], object]) -> None:
        _here.who = who
        try:
            with installed(Client(store, turns, who)):  # type: ignore[arg-type]
                command()
            ends[who] = None
        except BaseException as error:
            ends[who] = error
        finally:
            turns.end(who)

    workers = [threading.Thread(target=run, args=pair) for pair in commands.items()]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(_TIMEOUT)
    assert not any(worker.is_alive() for worker in workers)
    return ends, turns.calls
