"""Ctrl-C, SIGTERM, death and a lost answer at every write: all, nothing, or what is left is said.

In memory at each write of each command, before it and after it; on the real local store at a few.
"""

from __future__ import annotations

import contextlib
import copy
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.errors import KitaruError, StackNotFound
from kitaru_iac.gateway.http import AnswerLost
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.machine import interrupts, unfinished
from kitaru_iac.machine.interrupts import CutShort, WorkInterrupted, faces
from kitaru_iac.records.stored import Store
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from kitaru_iac.stacks.watch import drift_of_records
from tests.homes import Home
from tests.stacks.interrupts import Around, contents

LOCAL = {"name": "dev", "type": "local", "activate": False}
REMOTE = {
    "name": "dev",
    "type": "kubernetes",
    "artifact_store": "s3://my-bucket/kitaru",
    "container_registry": "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    "cluster": "prod-cluster",
    "region": "eu-west-1",
    "credentials": "aws-access-keys:AKIA1:s3cret",
    "verify": False,
    "activate": False,
}
CHANGED = {**REMOTE, "namespace": "ml", "credentials": "aws-access-keys:AKIA2:other"}
IMPLICIT = {**REMOTE, "credentials": "implicit"}


def create(description: dict[str, Any]) -> Any:
    return operations.create(from_mapping(description))


def apply(description: dict[str, Any]) -> Any:
    return operations.apply(from_mapping(description))


def delete() -> Any:
    return operations.delete("dev", recursive=True)


@dataclass(frozen=True)
class Case:
    """What is there before, and the command that is interrupted."""

    before: Callable[[], object]
    work: Callable[[], object]


CASES = {
    "create local": Case(lambda: None, lambda: create(LOCAL)),
    "create remote": Case(lambda: None, lambda: create(REMOTE)),
    "apply in place": Case(lambda: create(REMOTE), lambda: apply(CHANGED)),
    "apply that replaces": Case(lambda: create(LOCAL), lambda: apply(REMOTE)),
    "apply that replaces back": Case(lambda: create(REMOTE), lambda: apply(LOCAL)),
    "apply with another method": Case(lambda: create(REMOTE), lambda: apply(IMPLICIT)),
    "create over what was kept": Case(
        lambda: (create(REMOTE), operations.delete("dev")), lambda: create(REMOTE)
    ),
    "delete": Case(lambda: create(REMOTE), delete),
}
EVERY = pytest.mark.parametrize("case", CASES)
PLACES = pytest.mark.parametrize("is_local", [True, False], ids=["local", "server"])
SIDES = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])


@dataclass(frozen=True)
class Ends:
    """What the store holds before and after a command, and how many writes lie between."""

    store: MemoryGateway
    before: dict[str, Any]
    after: dict[str, Any]
    writes: int
    done: MemoryGateway


def no_drift(store: MemoryGateway) -> bool:
    """Whether `drift` would say of the stack that it is as it was applied."""
    with installed(store):
        stored = Store.open().read("dev")
    return stored is not None and drift_of_records(stored) == ()


def as_stored(store: MemoryGateway) -> object:
    """The stack with its own parts as they are stored, without ids; secrets are no drift."""
    with installed(store):
        stored = Store.open().read("dev")
    if stored is None:
        return None
    parts = [replace(c, id=None, connector_id=None) for c in stored.components]
    link = stored.connector and replace(stored.connector, id=None)
    return replace(stored, id=None, components=tuple(parts), connector=link)


def ends(case: Case, *, is_local: bool) -> Ends:
    store = MemoryGateway(is_local=is_local)
    with installed(store):
        case.before()
    start = copy.deepcopy(store)
    before = contents(store)
    around = Around(store)
    with installed(around):  # type: ignore[arg-type]
        case.work()
    return Ends(start, before, contents(store), around.count, store)


@EVERY
@PLACES
@SIDES
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_an_interrupt_at_any_write_leaves_all_or_nothing(
    case: str, is_local: bool, after: bool, number: signal.Signals
) -> None:
    found = ends(CASES[case], is_local=is_local)
    assert found.writes > 1
    handlers = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    for at in range(found.writes):
        store = copy.deepcopy(found.store)
        around = Around(store, at, after=after, strike=lambda: signal.raise_signal(number))
        with installed(around), pytest.raises(WorkInterrupted) as raised:  # type: ignore[arg-type]
            CASES[case].work()
        holds = contents(store)
        assert holds in (found.before, found.after), f"interrupted {after=} write {at}"
        said = "nothing was changed" if holds == found.before else "dev' is "
        assert said in raised.value.what
        assert raised.value.left == ()
        assert list(unfinished.every(store.place)) == []
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == handlers


class Dead(BaseException):
    """The process ends here: nothing of it runs any more."""


@contextmanager
def no_undoing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a killed process cannot do any more."""
    with monkeypatch.context() as patch:
        patch.setattr("kitaru_iac.records.writer.Writer.roll_back", lambda _: ["all of it"])
        yield


def die() -> None:
    raise Dead


@EVERY
@PLACES
@SIDES
def test_after_a_death_at_any_write_the_same_command_completes_at_once(
    case: str, is_local: bool, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = ends(CASES[case], is_local=is_local)
    for at in range(found.writes):
        store = copy.deepcopy(found.store)
        killed = Around(store, at, after=after, strike=die)
        with no_undoing(monkeypatch), installed(killed), pytest.raises(Dead):  # type: ignore[arg-type]
            CASES[case].work()
        if no_drift(store):
            whole = [as_stored(found.store), as_stored(found.done)]
            assert as_stored(store) in whole, f"killed {after=} write {at}: drift is not told"
        with installed(store):
            if contents(store) != found.after:
                CASES[case].work()
            else:
                operations.clean()
        assert contents(store) == found.after, f"killed {after=} write {at}"
        with installed(store):
            operations.clean()
        assert list(unfinished.every(store.place)) == []


@EVERY
@PLACES
@SIDES
def test_after_a_death_at_any_write_clean_leaves_all_or_nothing(
    case: str, is_local: bool, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = ends(CASES[case], is_local=is_local)
    for at in range(found.writes):
        store = copy.deepcopy(found.store)
        killed = Around(store, at, after=after, strike=die)
        with no_undoing(monkeypatch), installed(killed), pytest.raises(Dead):  # type: ignore[arg-type]
            CASES[case].work()
        with installed(store):
            said = [(part.kind, part.name) for part in operations.clean().kept]
            names = [stack.name for stack in store.stacks(everywhere())]
            is_whole = contents(store) in (found.before, found.after)
            if "dev" in names and not is_whole and "replaces" not in case:
                assert ("stack", "dev") in said, f"killed {after=} write {at}: a mixture"
            passing = [doc.name for doc in all_of(store) if doc.name.startswith("dev-")]
            assert passing == [], f"killed {after=} write {at}"
            assert operations.clean().removed == ()
            if "dev" not in names and "kept" not in case:
                assert not [doc for doc in all_of(store) if doc.name == "dev"]
            if "kept" in case:  # what a deletion has kept stays, and is taken over later
                assert len([doc for doc in all_of(store) if doc.name == "dev"]) >= 4


def everywhere() -> Any:
    from kitaru_iac.gateway.documents import Where

    return Where()


def all_of(store: MemoryGateway) -> list[Any]:
    where = everywhere()
    return [*store.stacks(where), *store.components(where), *store.connectors(where)]


def delete_if_there() -> None:
    with contextlib.suppress(StackNotFound):
        delete()


@pytest.mark.parametrize("case", [name for name in CASES if name != "delete"])
@SIDES
def test_a_lost_answer_at_any_write_leaves_nothing_or_says_what(case: str, after: bool) -> None:
    def lose() -> None:
        raise AnswerLost("No answer came")

    found = ends(CASES[case], is_local=False)
    for at in range(found.writes):
        store = copy.deepcopy(found.store)
        around = Around(store, at, after=after, strike=lose)
        error = None
        with installed(around):  # type: ignore[arg-type]
            try:
                CASES[case].work()
            except KitaruError as raised:
                error = raised
        where = f"lost {after=} write {at}: {error}"
        if error is None:  # it has looked, and the write was done
            assert after, where
            assert contents(store) == found.after, where
            continue
        if contents(store) != found.before:
            assert getattr(error, "left", ()), where
        with installed(store):
            CASES[case].work()
        assert contents(store) == found.after, where


@SIDES
def test_a_deletion_asks_what_became_of_a_write_without_an_answer(after: bool) -> None:
    """Once the stack is gone its name is free: no advice may reach who has it next."""

    def lose() -> None:
        raise AnswerLost("No answer came")

    found = ends(CASES["delete"], is_local=False)
    for at in range(found.writes):
        store = copy.deepcopy(found.store)
        error = None
        with installed(Around(store, at, after=after, strike=lose)):  # type: ignore[arg-type]
            try:
                delete()
            except KitaruError as raised:
                error = raised
        where = f"lost {after=} write {at}: {error}"
        holds = contents(store)
        if error is None:
            assert holds == found.after, where
            continue
        is_there = any(stack.name == "dev" for stack in store.stacks(everywhere()))
        left = getattr(error, "left", ())
        if error.code == "registration_failed":
            there = [doc for doc in all_of(store) if doc.name == "dev"]
            assert ("stack dev" in left, len(left)) == (is_there, len(there)), where
        assert "same command again" not in str(error) or is_there, where
        if error.code == "answer_lost" and holds != found.before:
            assert left, where
        with installed(store):
            delete_if_there()
            operations.clean()
        assert contents(store) == found.after, where


def test_where_nobody_says_what_became_of_a_deletion_the_name_is_looked_at_first() -> None:
    found = ends(CASES["delete"], is_local=False)
    for at in range(found.writes):
        store = copy.deepcopy(found.store)
        with installed(Silent(store, at)), pytest.raises(KitaruError) as raised:  # type: ignore[arg-type]
            delete()
        if not any(stack.name == "dev" for stack in store.stacks(everywhere())):
            assert raised.value.code == "answer_lost"
            assert "same command again" not in str(raised.value)
            assert re.search(r"kitaru stack delete [0-9a-f-]{36} ", str(raised.value.remedy))


class Silent(Around):
    """A server that does one write, does not answer it, and is away from then on."""

    def __init__(self, store: MemoryGateway, at: int) -> None:
        super().__init__(store, at, after=True, strike=self._go)
        self._is_away = False

    def _go(self) -> None:
        self._is_away = True
        raise AnswerLost("No answer came")

    def __getattr__(self, name: str) -> Any:
        found = super().__getattr__(name)
        if not callable(found):
            return found

        def ask(*args: Any, **kwargs: Any) -> Any:
            if self._is_away:
                raise AnswerLost("It is away")
            return found(*args, **kwargs)

        return ask


def test_a_second_one_ends_at_once_and_says_what_to_run() -> None:
    store = MemoryGateway()

    def twice() -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)

    with installed(Around(store, 1, strike=twice)), pytest.raises(CutShort) as raised:  # type: ignore[arg-type]
        create(REMOTE)
    assert "kitaru stack clean" in str(raised.value.remedy)
    assert [doc.name for doc in store.connectors(everywhere())] != []
    with installed(store):
        assert [item.kind for item in operations.clean().removed] == ["service_connector"]
    assert store.connectors(everywhere()) == []


def test_a_face_is_told_of_the_first_and_asked_to_end_at_the_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: list[str] = []
    monkeypatch.setattr(faces, "told", lambda: heard.append("told"))
    monkeypatch.setattr(faces, "ended", lambda end: heard.append(str(end.remedy)))
    with interrupts.Hold("Working", "Run it again"):
        signal.raise_signal(signal.SIGINT)
        assert heard == ["told"]
        with pytest.raises(CutShort):
            signal.raise_signal(signal.SIGINT)
    assert heard == ["told", "Run it again"]


def test_a_program_s_own_handler_stays() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    try:
        with interrupts.Hold("Working", "Run it again") as hold:
            signal.raise_signal(signal.SIGINT)
        assert (heard, hold.count) == ([signal.SIGINT], 0)
    finally:
        signal.signal(signal.SIGINT, before)


# -- somebody else at the same moment --------------------------------------------------------------


@pytest.mark.parametrize("description", [LOCAL, REMOTE], ids=["local", "remote"])
@pytest.mark.parametrize("says", ["taken", "an error of its own"])
def test_a_lost_race_ends_as_exists_already_and_the_winner_stays(
    description: dict[str, Any], says: str, tmp_path: Path
) -> None:
    store = MemoryGateway()
    beaten = False

    def win() -> None:
        nonlocal beaten
        if beaten:
            return
        beaten = True
        theirs = dict(description)
        if "credentials" in theirs:
            theirs["credentials"] = "aws-access-keys:AKIA9:theirs"
        # Another machine, whose locks and notes are its own.
        with pytest.MonkeyPatch.context() as patch, installed(store):
            patch.setenv("ZENML_CONFIG_PATH", str(tmp_path))
            create(theirs)
        if says != "taken":
            raise KitaruError("ZenML failed", why="IntegrityError: Duplicate entry")

    for at in range(2 if description is REMOTE else 1):
        beaten = False
        store = MemoryGateway()
        beating = Around(store, at, strike=win)
        with installed(beating), pytest.raises(KitaruError) as raised:  # type: ignore[arg-type]
            create(description)
        assert raised.value.code == "already_exists", str(raised.value)
        assert "exists already" in raised.value.what
        assert [s.name for s in store.stacks(everywhere())] == ["default", "dev"]
        assert len(store.connectors(everywhere())) == (1 if description is REMOTE else 0)
        for link in store.connectors(everywhere()):
            whole = store.connector_with_secrets(link.id)
            assert whole is not None
            assert "theirs" in {str(secret) for secret in whole.secrets.values()}


# -- secrets without a connector -------------------------------------------------------------------


@pytest.mark.parametrize(
    "work",
    [lambda: create(LOCAL), lambda: apply(REMOTE), delete],
    ids=["create", "apply", "delete"],
)
@pytest.mark.parametrize("name", ["dev", "dev-new-0a1b2c3d"])
def test_a_secret_without_its_connector_goes_with_the_next_command_of_that_name(
    work: Callable[[], object], name: str
) -> None:
    store = MemoryGateway(is_local=True)
    store.put_orphaned_secret(name)
    other = store.put_orphaned_secret("other")
    with installed(store):
        work()
    assert store.orphaned_secrets() == [other]


# -- the real local store --------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["create remote", "apply that replaces", "delete"])
def test_an_interrupt_on_the_local_store_leaves_all_or_nothing(home: Home, case: str) -> None:
    from kitaru_iac.gateway.in_process import InProcess

    gateway = InProcess.open()
    for at in range(3):
        with installed(gateway):  # type: ignore[arg-type]
            CASES[case].before()
            before = contents(gateway)
        around = Around(gateway, at, after=at == 1)
        with installed(around), pytest.raises(WorkInterrupted) as raised:  # type: ignore[arg-type]
            CASES[case].work()
        if "nothing was changed" in raised.value.what:
            assert contents(gateway) == before
        with installed(gateway):  # type: ignore[arg-type]
            delete_if_there()
        assert not [name for name, *_ in contents(gateway)["stacks"] if name != "default"]
        assert contents(gateway)["connectors"] == []
        assert contents(gateway)["secrets"] == []


def test_a_death_between_a_secret_and_its_connector_is_mended(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zenml.zen_stores.schemas import ServiceConnectorSchema

    from kitaru_iac.gateway.in_process import InProcess

    gateway = InProcess.open()
    with installed(gateway):  # type: ignore[arg-type]
        with monkeypatch.context() as patch, no_undoing(monkeypatch):
            patch.setattr(ServiceConnectorSchema, "from_request", lambda *_, **__: die())
            with pytest.raises(Dead):
                create(REMOTE)
        (secret,) = gateway.orphaned_secrets()
        assert secret.connector.startswith("dev-new-")
        create(REMOTE)
        assert gateway.orphaned_secrets() == []
        (link,) = gateway.connectors(everywhere())
        whole = gateway.connector_with_secrets(link.id)
        assert whole is not None
        assert {str(s) for s in whole.secrets.values()} >= {"s3cret"}


def test_a_secret_in_use_and_one_of_a_user_s_own_are_never_taken_for_left(home: Home) -> None:
    from zenml.client import Client

    from kitaru_iac.gateway.in_process import InProcess

    Client().create_secret("connector-dev-abcd", {"key": "mine"})
    gateway = InProcess.open()
    with installed(gateway):  # type: ignore[arg-type]
        create(REMOTE)
        assert gateway.orphaned_secrets() == []
        assert operations.clean().removed == ()
    assert Client().get_secret("connector-dev-abcd").secret_values == {"key": "mine"}
