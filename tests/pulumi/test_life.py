"""The life of a stack in a program: created, unchanged, changed, refreshed, destroyed."""

from __future__ import annotations

import pulumi

import kitaru_iac.pulumi as kitaru
from tests.pulumi.room import Room


def dev() -> None:
    stack = kitaru.Stack("dev")
    pulumi.export("id", stack.id)
    pulumi.export("name", stack.name)
    pulumi.export("components", stack.component_ids)


def test_a_stack_is_made_kept_and_destroyed(local_room: Room) -> None:
    room = local_room
    preview = room.preview(dev)
    assert preview.ops == {"dev": "create"}
    up = room.up(dev)
    assert up.ops == {"dev": "create"}
    print(up.text, up.outputs, room.resources())
    again = room.up(dev)
    assert again.ops == {"dev": "same"}
    refreshed = room.refresh(dev)
    print(refreshed.text)
    gone = room.destroy(dev)
    print(gone.text)
    assert room.resources() == {}
