"""What is replaced, and used by others by the time it is to be deleted: it stays, and is theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.gateway.documents import (
    ConnectorChange,
    Kind,
    NewComponent,
    NewConnector,
    NewStack,
    Where,
)
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.labels import ASIDE_LABEL
from kitaru_iac.records.stored import Store
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import clean, operations
from kitaru_iac.stacks.results import Applied
from tests.stacks.test_colleagues import BASE, LOCAL, METHOD
from tests.stacks.turns import homes_of_their_own

#: In place, with a connector of another method; and replaced as a whole.
REPLACING = {"connector": METHOD, "stack": LOCAL}
#: When the colleague comes: before the deletions, or when this is being deleted.
MOMENTS = ("first", "last")


class Colleague(MemoryGateway):
    """A store in which somebody else writes before a deletion."""

    def __init__(self) -> None:
        super().__init__()
        self.comes: dict[str, Callable[[], None]] = {}

    def delete(self, kind: Kind, id: str) -> bool:
        if (come := self.comes.pop("first", None)) is not None:
            come()
        if kind == "connector" and (come := self.comes.pop("last", None)) is not None:
            come()
        return super().delete(kind, id)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Colleague]:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path / "zenml"))
    monkeypatch.setattr("kitaru_iac.stacks.delete.scopes_of", lambda _: [])
    monkeypatch.setattr("kitaru_iac.records.change.time.sleep", lambda _: None)
    monkeypatch.setattr("kitaru_iac.records.stored.STALE_AFTER", -1.0)
    with homes_of_their_own(monkeypatch, tmp_path / "homes"), installed(made := Colleague()):
        yield made


def apply(description: dict[str, Any]) -> Applied:
    return operations.apply(from_mapping(description))


def link_to(store: Colleague, connector: str) -> None:
    """Somebody's component reaches its bucket through a connector."""
    fields = {"path": "s3://data/x"}
    store.create_component(
        NewComponent("artifact_store", "theirs", "s3", fields, connector_id=connector)
    )


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("what", REPLACING)
def test_a_connector_that_a_colleague_uses_is_not_said_to_be_deleted(
    store: Colleague, what: str, moment: str
) -> None:
    operations.create(from_mapping(BASE))
    (old,) = store.connectors(Where(names=("dev",)))
    store.comes[moment] = lambda: link_to(store, old.id)
    done = apply(REPLACING[what])
    (kept,) = [w for w in done.warnings if w.code == "part_kept"]
    assert "service connector dev-replaced (used by artifact_store theirs)" in kept.text
    (stays,) = store.connectors(Where(ids=(old.id,)))
    assert (stays.name, ASIDE_LABEL in stays.labels) == ("dev-replaced", False)
    assert not apply(REPLACING[what]).changed
    found = clean.clean(Store(store))
    assert (found.removed, found.restored, found.kept) == ((), (), ())

    # Once its name is free again, the stack can be replaced again.
    store.update_connector(old.id, ConnectorChange(name="theirs"))
    assert apply({**BASE, "credentials": "aws-access-keys:AKIA9:other"}).changed
    assert store.connectors(Where(ids=(old.id,)))


def test_a_component_that_a_colleague_has_in_a_stack_stays_with_its_connector(
    store: Colleague,
) -> None:
    operations.create(from_mapping(BASE))
    (old,) = store.components(Where(names=("dev",)))[:1]
    members: dict[str, list[str]] = {old.type: [old.id]}
    store.comes["first"] = lambda: store.create_stack(NewStack("theirs", {}, members, ""))
    (kept,) = [w for w in apply(LOCAL).warnings if w.code == "part_kept"]
    assert f"{old.type} dev-replaced (used by stack theirs)" in kept.text
    assert f"service connector dev-replaced (used by {old.type} dev-replaced)" in kept.text
    (stays,) = store.components(Where(ids=(old.id,)))
    assert (stays.connector_id, ASIDE_LABEL in stays.labels) == (old.connector_id, False)
    found = clean.clean(Store(store))
    assert (found.removed, found.restored, found.kept) == ((), (), ())


def test_what_a_dead_run_set_aside_and_others_use_is_left_to_them(store: Colleague) -> None:
    operations.create(from_mapping(BASE))
    (own,) = store.connectors(Where(names=("dev",)))
    labels = {**own.labels, ASIDE_LABEL: "dev"}
    left = store.create_connector(
        NewConnector("dev-replaced", own.type, own.auth_method, own.configuration, {}, labels)
    )
    link_to(store, left.id)
    fields = {"path": "s3://old/kitaru"}
    store.create_component(NewComponent("artifact_store", "dev-replaced", "s3", fields, labels))
    found = clean.clean(Store(store))
    # Of one name, and told apart: the one is deleted, and the other is not.
    assert [(part.kind, part.name, part.reason) for part in found.kept] == [
        ("service_connector", "dev-replaced", "it is still used")
    ]
    assert [(part.kind, part.name) for part in found.removed] == [
        ("artifact_store", "dev-replaced")
    ]
    assert found.restored == ()
    assert store.connectors(Where(ids=(left.id,)))
    assert not store.components(Where(names=("dev-replaced",)))
    again = clean.clean(Store(store))
    assert (again.removed, again.restored, again.kept) == ((), (), ())
    assert not apply(BASE).changed
