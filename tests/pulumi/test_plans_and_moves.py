"""Update plans and `pulumi state move`, with the real engine."""

from __future__ import annotations

from pathlib import Path

import pulumi
import pytest

from kitaru_iac.pulumi import Stack
from tests.pulumi import stored
from tests.pulumi.room import Failed, Room

pytestmark = pytest.mark.engine


def two(second: str = "second") -> None:
    """A stack whose folder is named by the id of another one, which no preview knows."""
    first = Stack("first")
    Stack("second", name=second, artifact_store=pulumi.Output.concat("/tmp/", first.id))


def test_an_update_keeps_to_its_plan_when_unknown_values_become_known(
    local_room: Room, tmp_path: Path
) -> None:
    plan = str(tmp_path / "plan.json")
    assert local_room.preview(two, plan=plan).ops == {"first": "create", "second": "create"}
    with pytest.raises(Failed, match="violates plan"):
        local_room.up(lambda: two("another"), plan=plan)
    # What came before the violation is done: the plan is compared one resource after the other.
    assert stored.names() - {"default"} <= {"first"}
    local_room.up(two, plan=plan)
    assert stored.names() == {"default", "first", "second"}
    # The same again is less than was planned, which a plan allows.
    assert set(local_room.up(two, plan=plan).ops.values()) == {"same"}


def test_a_stack_moves_to_another_state_and_its_new_owner_is_written(local_room: Room) -> None:
    def one() -> None:
        Stack("dev")

    local_room.up(one)
    first = stored.records("dev")
    second = Room(local_room.folder, "second")
    second.up(lambda: None)
    urn = f"urn:pulumi:prod::{local_room.project}::kitaru:index:Stack::dev"
    moved = local_room.pulumi(
        *("state", "move", "--source", "prod", "--dest", "second", "--yes", urn)
    )
    assert moved.returncode == 0, moved.stderr
    assert second.up(one).ops == {"dev": "update"}
    found = stored.records("dev")
    assert found.id == first.id
    assert found.labels["kitaru.owner"].startswith("urn:pulumi:second::")
    # The former state knows nothing of it, and takes nothing away.
    assert local_room.up(lambda: None).ops == {}
    assert stored.records("dev").id == first.id
