"""What is called ``NAME-replaced`` is a dead run's by the mark that the run wrote, by no name."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.errors import AlreadyExistsError, KitaruError, ProtectedStackError, StackNotFound
from kitaru_iac.gateway.documents import ComponentChange, ConnectorChange, StackChange, Where
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.labels import ASIDE_LABEL
from kitaru_iac.machine import unfinished
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from kitaru_iac.stacks.rename import rename
from tests.stacks.interrupts import Around, contents
from tests.stacks.test_interrupts import LOCAL, REMOTE, Dead, all_of, die, no_undoing
from tests.stacks.test_many import memory  # noqa: F401

COLLEAGUES = "dev-replaced"


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path / "zenml"))
    monkeypatch.setattr("kitaru_iac.stacks.delete.scopes_of", lambda _: [])


def called(gateway: MemoryGateway, old: str, new: str) -> None:
    """Give a stack and its parts another name, as somebody does it in ZenML."""
    where = Where(names=(old,))
    for stack in gateway.stacks(where):
        gateway.update_stack(stack.id, StackChange(name=new))
    for part in gateway.components(where):
        gateway.update_component(part.id, ComponentChange(name=new))
    for link in gateway.connectors(where):
        gateway.update_connector(link.id, ConnectorChange(name=new))


@pytest.fixture
def theirs(memory: MemoryGateway) -> Iterator[MemoryGateway]:  # noqa: F811
    """A store with a colleague's stack `dev-replaced`, which is managed and long there."""
    later = memory.now() + timedelta(hours=1)
    with installed(memory):
        operations.apply(from_mapping({**REMOTE, "name": "qa"}))
        called(memory, "qa", COLLEAGUES)
        memory.now = lambda: later  # type: ignore[method-assign]
        yield memory


def seen_of(gateway: MemoryGateway, name: str = COLLEAGUES) -> list[Any]:
    return [doc for doc in all_of(gateway) if doc.name == name]


def refused(work: Callable[[], object], kind: type[KitaruError], said: str) -> None:
    with pytest.raises(kind, match=said):
        work()


def make_earlier() -> None:
    """Let the notes be of an earlier release."""
    for note in unfinished._folder().glob("*.json"):
        note.write_text(note.read_text().replace('"marks": true', '"other": true'))


@pytest.mark.parametrize("noted", ["", "change", "an earlier delete", "an earlier rename to other"])
def test_a_colleagues_stack_of_that_name_is_left_alone(theirs: MemoryGateway, noted: str) -> None:
    before = copy.deepcopy(seen_of(theirs))
    assert len(before) == 5
    dev = from_mapping(LOCAL)
    if noted:
        unfinished.begin(theirs.place, "dev", noted.removeprefix("an earlier "))
    if noted.startswith("an earlier "):
        make_earlier()
    refused(lambda: operations.delete("dev", recursive=True), StackNotFound, "dev")
    operations.create(dev)
    operations.apply(from_mapping({**LOCAL, "labels": {"team": "ml"}}))
    refused(lambda: operations.create(dev), AlreadyExistsError, "already exists")
    assert operations.clean().removed == ()
    rename("dev", "other")
    operations.delete("other", recursive=True)
    assert seen_of(theirs) == before


def test_a_replacement_for_which_that_name_is_not_free_is_refused_beforehand(
    theirs: MemoryGateway,
) -> None:
    operations.create(from_mapping(LOCAL))
    before = contents(theirs)
    wanted = from_mapping(REMOTE)
    said = "dev-replaced"
    refused(lambda: operations.preview(wanted), AlreadyExistsError, said)
    refused(lambda: operations.apply(wanted), AlreadyExistsError, said)
    assert contents(theirs) == before
    called(theirs, COLLEAGUES, "another")
    assert operations.apply(wanted).changed


# -- what a run left that died ---------------------------------------------------------------------

REPLACING = {"to remote": (LOCAL, REMOTE), "to local": (REMOTE, LOCAL)}


def killed(
    monkeypatch: pytest.MonkeyPatch, before: dict[str, Any], after: dict[str, Any]
) -> Iterator[MemoryGateway]:
    """A store after each write at which a replacing apply may have died."""
    counted = Around(MemoryGateway(is_local=True))
    with installed(counted):  # type: ignore[arg-type]
        operations.apply(from_mapping(before))
        first = counted.count
        operations.apply(from_mapping(after))
    for at in range(counted.count - first):
        store = MemoryGateway(is_local=True)
        with installed(store):
            operations.apply(from_mapping(before))
        dying = Around(store, at, after=True, strike=die)
        with no_undoing(monkeypatch), installed(dying), pytest.raises(Dead):  # type: ignore[arg-type]
            operations.apply(from_mapping(after))
        yield store


def unmark(gateway: MemoryGateway) -> None:
    """Leave what the last release would have left: it wrote no mark."""
    writes: list[tuple[list[Any], Callable[..., object], Callable[..., Any]]] = [
        (gateway.stacks(Where()), gateway.update_stack, StackChange),
        (gateway.components(Where()), gateway.update_component, ComponentChange),
        (gateway.connectors(Where()), gateway.update_connector, ConnectorChange),
    ]
    for docs, update, change in writes:
        for doc in docs:
            kept = {key: text for key, text in doc.labels.items() if key != ASIDE_LABEL}
            if kept != dict(doc.labels):
                update(doc.id, change(labels=kept))


@pytest.mark.parametrize("way", REPLACING)
def test_what_an_earlier_release_left_on_this_machine_is_repaired(
    monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    before, after = REPLACING[way]
    wanted = MemoryGateway(is_local=True)
    with installed(wanted):
        operations.apply(from_mapping(before))
        operations.apply(from_mapping(after))
    for store in killed(monkeypatch, before, after):
        unmark(store)
        make_earlier()
        with installed(store):
            operations.apply(from_mapping(after))
            assert contents(store) == contents(wanted)
            assert operations.clean().removed == ()


@pytest.mark.parametrize("way", REPLACING)
def test_what_an_earlier_release_left_on_another_machine_stays_and_is_named(
    monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    before, after = REPLACING[way]
    told = 0
    for number, store in enumerate(killed(monkeypatch, before, after)):
        unmark(store)
        unfinished.end(store.place, "dev")
        aside = {doc.id for doc in seen_of(store)}
        with installed(store):
            refusal = ""
            try:
                operations.apply(from_mapping(after))
            except AlreadyExistsError as error:
                refusal = str(error.remedy)
            if refusal:
                (stack,) = store.stacks(Where(names=(COLLEAGUES,)))
                assert f"kitaru stack rename {stack.id} dev" in refusal
                assert {doc.id for doc in seen_of(store)} == aside
                for part in operations.clean().orphans:  # what its successor had already
                    if part.name == "dev":
                        kind = "connector" if part.kind == "service_connector" else "component"
                        assert store.delete(kind, part.remedy.rpartition(" ")[2])
                rename(stack.id, "dev")
                operations.apply(from_mapping(after))
                assert not operations.preview(from_mapping(after)).has_changes
                told += 1
                continue
            assert {doc.id for doc in all_of(store)} >= aside, number
            listed = {(part.kind, part.name) for part in operations.clean().orphans}
            for doc in seen_of(store):
                kind = getattr(doc, "type", "stack")
                is_held = any(of.holds(doc.id) for of in store.stacks(Where()))
                assert is_held or (kind, doc.name) in listed or hasattr(doc, "auth_method")
    assert told


@pytest.mark.parametrize("is_local", [True, False], ids=["local", "server"])
def test_what_a_dead_run_set_aside_is_deleted_and_renamed_by_nobody(
    is_local: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some of its parts are still called as the stack was: they would be left, as nobody's."""
    start = MemoryGateway(is_local=is_local)
    with installed(start):
        operations.apply(from_mapping(REMOTE))
    killed: Any = Around(start, 1, after=True, strike=die)
    with no_undoing(monkeypatch), installed(killed), pytest.raises(Dead):
        operations.apply(from_mapping(LOCAL))
    before = contents(start)
    with installed(start):
        aside = [stack for stack in start.stacks(Where()) if ASIDE_LABEL in stack.labels]
        assert [stack.name for stack in aside] == ["dev-replaced"]
        for ref in ("dev-replaced", aside[0].id):
            for force in (False, True):
                with pytest.raises(ProtectedStackError, match="before it was replaced"):
                    operations.delete(ref, recursive=True, force=force)
            with pytest.raises(ProtectedStackError, match="before it was replaced"):
                rename(ref, "other")
        assert contents(start) == before
        later = start.now() + timedelta(hours=1)
        start.now = lambda: later  # type: ignore[method-assign]
        operations.clean(confirm=lambda _: True)
        assert not [doc for doc in all_of(start) if ASIDE_LABEL in doc.labels]
