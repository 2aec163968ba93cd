"""What a failed creation had registered, and somebody else has changed or uses by then, stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.errors import (
    KitaruError,
    NotAllowedError,
    NotFoundError,
    RegistrationFailed,
    StackChanged,
)
from kitaru_iac.gateway.documents import (
    ComponentChange,
    ConnectorChange,
    NewStack,
    StackChange,
    StackDoc,
    Where,
)
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations, rename
from tests.stacks.interrupts import contents
from tests.stacks.test_colleagues import BASE, BUCKET, KEY, LOCAL
from tests.stacks.turns import at_another_machine, homes_of_their_own

DEV = Where(names=("dev",))


@pytest.fixture(autouse=True)
def machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path / "zenml"))
    monkeypatch.setattr("kitaru_iac.records.change.time.sleep", lambda _: None)
    with homes_of_their_own(monkeypatch, tmp_path):
        yield


@pytest.fixture
def memory() -> Iterator[MemoryGateway]:
    with installed(MemoryGateway()) as store:
        yield store


def dev(memory: MemoryGateway) -> StackDoc:
    (found,) = memory.stacks(DEV)
    return found


def part(memory: MemoryGateway) -> str:
    return dev(memory).members["artifact_store"][0].id


def link(memory: MemoryGateway) -> str:
    (found,) = memory.connectors(DEV)
    return found.id


#: What a colleague does to a stack that was registered a moment ago.
CHANGES: dict[str, Callable[[MemoryGateway], object]] = {
    "applies": lambda _: operations.apply(from_mapping(BUCKET)),
    "renames": lambda m: rename.rename("dev", "moved"),
    "describes": lambda m: m.update_stack(dev(m).id, StackChange(description="mine")),
    "labels": lambda m: m.update_stack(
        dev(m).id, StackChange(labels={**dev(m).labels, "team": "ml"})
    ),
    "labels a part": lambda m: m.update_component(part(m), ComponentChange(labels={"team": "ml"})),
    "renames a part": lambda m: m.update_component(part(m), ComponentChange(name="theirs")),
    "gives another key": lambda m: m.update_connector(
        link(m), ConnectorChange(configuration={"region": "eu-west-1"}, secrets={})
    ),
}


def fail_after(
    memory: MemoryGateway, meanwhile: Callable[[MemoryGateway], object], error: KitaruError
) -> Callable[[str], None]:
    """Let the last write of a creation be refused, when a colleague has done something."""

    def before(write: str) -> None:
        if write.startswith("update stack"):
            memory.before_write = lambda _: None
            with at_another_machine("colleague"):
                meanwhile(memory)
            raise error

    return before


@pytest.mark.parametrize("error", [KitaruError("no"), NotAllowedError("no"), NotFoundError("no")])
@pytest.mark.parametrize("change", CHANGES)
def test_what_somebody_else_has_changed_stays(
    memory: MemoryGateway, change: str, error: KitaruError
) -> None:
    kept: dict[str, Any] = {}

    def meanwhile(memory: MemoryGateway) -> None:
        CHANGES[change](memory)
        kept.update(contents(memory))

    memory.before_write = fail_after(memory, meanwhile, error)
    with pytest.raises(StackChanged) as raised:
        operations.create(from_mapping(BASE))
    assert contents(memory) == kept
    name = "moved" if change == "renames" else "dev"
    assert {f"stack {name}", f"service connector {name}"} <= {*raised.value.left}
    assert f"kitaru stack show {name}" in str(raised.value.remedy)
    assert "it stays" in raised.value.what


def test_parts_that_somebody_else_uses_stay(memory: MemoryGateway) -> None:
    def uses(memory: MemoryGateway) -> None:
        members = {kind: (of[0].id,) for kind, of in dev(memory).members.items()}
        memory.create_stack(NewStack("theirs", {}, members))

    memory.before_write = fail_after(memory, uses, KitaruError("no"))
    with pytest.raises(StackChanged) as raised:
        operations.create(from_mapping(BASE))
    assert memory.stacks(DEV) == []
    (theirs,) = memory.stacks(Where(names=("theirs",)))
    assert len(memory.components(Where(in_stack=theirs.id))) == 3
    assert len(memory.connectors(DEV)) == 1
    assert len(raised.value.left) == 4
    assert "stack dev" not in raised.value.left


@pytest.mark.parametrize("description", [BASE, LOCAL], ids=["remote", "local"])
def test_what_nobody_has_touched_is_taken_back(
    memory: MemoryGateway, description: dict[str, Any]
) -> None:
    before = contents(memory)
    memory.before_write = fail_after(memory, lambda _: None, KitaruError("no"))
    with pytest.raises(RegistrationFailed) as raised:
        operations.create(from_mapping(description))
    assert contents(memory) == before
    assert raised.value.left == ()
    assert "nothing was left behind" in raised.value.what


def test_what_somebody_else_has_made_whole_is_made(memory: MemoryGateway) -> None:
    """The refused write is done by then, and by whom no record says."""
    memory.before_write = fail_after(
        memory, lambda _: operations.apply(from_mapping(KEY)), KitaruError("no")
    )
    operations.create(from_mapping(BASE))
    assert memory.connector_with_secrets(link(memory)).secrets["aws_access_key_id"] == "AKIA2"


@pytest.mark.parametrize("amid", ["connector", "orchestrator", "artifact_store"])
def test_the_winner_of_two_equal_renamings_keeps_its_names(
    memory: MemoryGateway, amid: str
) -> None:
    operations.create(from_mapping(BASE))
    done: dict[str, Any] = {}

    def before(write: str) -> None:
        if write.startswith(f"update {amid}"):
            memory.before_write = lambda _: None
            with at_another_machine("colleague"):
                rename.rename("dev", "moved")
            done.update(contents(memory))

    memory.before_write = before
    with pytest.raises(StackChanged, match="by somebody else at the same time"):
        rename.rename("dev", "moved")
    assert done
    assert contents(memory) == done
