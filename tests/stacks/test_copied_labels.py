"""ZenML gives the parts that come with a stack its labels: a dead run does not leave them there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.gateway.documents import ComponentChange, StackChange, Where
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.spec import StackSpec, from_mapping
from kitaru_iac.stacks import operations
from tests.stacks.interrupts import contents
from tests.stacks.test_colleagues import BASE, LOCAL
from tests.stacks.turns import Killed, at_another_machine, homes_of_their_own

DEV = Where(names=("dev",))
LABELS = {"labels": {"team": "search"}}
LABELLED = {**BASE, **LABELS, "description": "What the search team runs"}


@pytest.fixture(autouse=True)
def machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path / "zenml"))
    monkeypatch.setattr("kitaru_iac.records.change.time.sleep", lambda _: None)
    with homes_of_their_own(monkeypatch, tmp_path):
        yield


def killed_after(memory: MemoryGateway, count: int, spec: StackSpec) -> bool:
    """Apply, and be killed after so many writes; False where there are no more."""
    first = len(memory.written)

    def die(_: str) -> None:
        if len(memory.written) - first >= count:
            raise Killed

    memory.before_write = die
    try:
        operations.apply(spec)
    except Killed:
        return True
    finally:
        memory.before_write = lambda _: None
    return False


@pytest.mark.parametrize("of", ["a creation", "a local creation", "a replacement"])
@pytest.mark.parametrize("machine", ["this", "another"])
def test_the_next_run_leaves_what_one_that_lives_leaves(
    monkeypatch: pytest.MonkeyPatch, machine: str, of: str
) -> None:
    spec = from_mapping({**LOCAL, **LABELS} if of == "a local creation" else LABELLED)

    def before(memory: MemoryGateway) -> None:
        if of == "a replacement":
            operations.create(from_mapping({**LOCAL, **LABELS}))
            (stack,) = memory.stacks(DEV)
            # These go on with the new stack.
            labels = {**stack.labels, "by-hand": "yes", "description": "no text of ours"}
            memory.update_stack(stack.id, StackChange(labels=labels))

    with installed(MemoryGateway()) as memory:
        before(memory)
        operations.apply(spec)
    wanted, writes = contents(memory), len(memory.written)
    for count in range(writes):
        with installed(MemoryGateway()) as memory:
            before(memory)
            if not killed_after(memory, count, spec):
                continue
            if machine == "this":
                operations.apply(spec)
            else:
                with monkeypatch.context() as patch, at_another_machine("colleague"):
                    patch.setattr("kitaru_iac.records.stored.STALE_AFTER", -1.0)
                    operations.apply(spec)
                    operations.clean()  # of a connector-to-be another machine knows its name alone
        assert contents(memory) == wanted, f"killed after {count} writes"


@pytest.mark.parametrize("is_recorded", [True, False])
def test_the_users_own_label_on_a_part_stays(is_recorded: bool) -> None:
    with installed(MemoryGateway()) as memory:
        operations.create(from_mapping(LABELLED))
        (stack,) = memory.stacks(DEV)
        (part,) = stack.members["orchestrator"]
        labels: dict[str, Any] = {"kitaru.managed": "true", "team": "search"}
        memory.update_component(part.id, ComponentChange(labels=labels))
        if not is_recorded:  # what was applied was too long to be noted
            rest = {k: v for k, v in stack.labels.items() if k != "kitaru.applied"}
            memory.update_stack(stack.id, StackChange(labels=rest))
        operations.apply(from_mapping({**LABELLED, "namespace": "ml"}))
        (doc,) = memory.components(Where(ids=(part.id,)))
    assert dict(doc.labels) == labels


def test_a_label_that_is_called_as_a_field_of_a_description_stays() -> None:
    with installed(MemoryGateway()) as memory:
        operations.create(from_mapping(LABELLED))
        (stack,) = memory.stacks(DEV)
        labels = {**stack.labels, "description": "by hand"}
        memory.update_stack(stack.id, StackChange(labels=labels))
        operations.apply(from_mapping({**LABELLED, "namespace": "ml"}))
        (stack,) = memory.stacks(DEV)
    assert stack.labels["description"] == "by hand"
