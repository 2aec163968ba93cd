"""Operations that the model of the engine has, by the engine itself: store, state and report agree.

What makes it create, update and replace, refresh and import is in `test_life` and beside it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

import kitaru_iac.pulumi as kitaru
from tests.pulumi import stored
from tests.pulumi.programs import local
from tests.pulumi.room import Failed, Room
from tests.pulumi.test_interrupts import plugin_in

pytestmark = pytest.mark.engine

ELSEWHERE = "/tmp/elsewhere"


def urn(name: str) -> str:
    return f"urn:pulumi:prod::platform::kitaru:index:Stack::{name}"


def both(store: str | None = None, **options: Any) -> Callable[[], None]:
    """A program with two stacks, of which the first has options."""

    def run() -> None:
        kitaru.Stack("one", artifact_store=store, opts=pulumi.ResourceOptions(**options))
        kitaru.Stack("two", artifact_store=store)

    return run


def look(room: Room, **folders: str | None) -> None:
    """Each stack is known to both sides under one id, and has this folder in both."""
    held = room.resources()
    for name, folder in folders.items():
        found = stored.records(name)
        assert found is not None
        outputs = held[name]["outputs"]
        assert held[name]["id"] == found.id
        assert found.labels["kitaru.owner"] == urn(name) == outputs["ownerUrn"]
        assert found.labels["kitaru.owner_run"] == outputs["ownerRun"]
        store = found.component("artifact_store")
        assert store is not None
        assert (store.configuration.get("path") or None) == outputs.get("artifactStore") == folder


def changed(ops: dict[str, str]) -> dict[str, str]:
    return {name: op for name, op in ops.items() if op != "same"}


def test_what_is_not_chosen_or_ignored_stays(local_room: Room) -> None:
    local_room.up(both())
    moved = both(ELSEWHERE)
    assert changed(local_room.up(moved, target=[urn("one")]).ops) == {"one": "update"}
    look(local_room, one=ELSEWHERE, two=None)
    assert changed(local_room.up(both(), exclude=[urn("two")]).ops) == {"one": "update"}
    look(local_room, one=None, two=None)
    ignoring = both(ELSEWHERE, ignore_changes=["artifactStore"])
    assert changed(local_room.up(ignoring).ops) == {"two": "update"}
    look(local_room, one=None, two=ELSEWHERE)
    stored.configure("two", "artifact_store", path="/tmp/a-colleagues")
    before = local_room.resources()
    assert local_room.preview_refresh().ops["two"] == "refresh"
    assert local_room.resources() == before
    assert changed(local_room.up(ignoring, refresh=True).ops)["two"] == "update"
    look(local_room, one=None, two=ELSEWHERE)
    local_room.destroy()
    assert stored.names() == {"default"}


def test_what_is_protected_or_retained_stays_and_an_export_knows_it(
    local_room: Room, tmp_path: Path
) -> None:
    local_room.up(both(protect=True))
    with pytest.raises(Failed, match="protected"):
        local_room.destroy()
    assert "one" in stored.names()
    local_room.up(both(retain_on_delete=True))
    export = tmp_path / "export.json"
    state = ("--stack", "prod", "--file", str(export))
    assert local_room.pulumi("stack", "export", *state).returncode == 0
    local_room.destroy()
    assert local_room.resources() == {}
    assert stored.names() == {"default", "one"}
    done = local_room.pulumi("stack", "import", *state)
    assert done.returncode == 0, done.stderr
    assert changed(local_room.up(both(), refresh=True).ops) == {"two": "create"}
    look(local_room, one=None, two=None)
    local_room.destroy()
    assert stored.names() == {"default"}


def test_a_stack_is_renamed_in_the_state_and_refused_to_another(
    local_room: Room, tmp_path: Path
) -> None:
    local_room.up(local("dev"))
    first = stored.records("dev")
    second = Room(tmp_path / "second")
    with pytest.raises(Failed, match="for another state"):
        second.up(local("dev"))
    renamed = local_room.pulumi("state", "rename", urn("dev"), "team", "--yes", "--stack", "prod")
    assert renamed.returncode == 0, renamed.stderr
    assert local_room.up(local("team")).ops == {"team": "update"}
    found = stored.records("dev")
    assert first is not None
    assert found is not None
    assert found.id == first.id == local_room.resources()["team"]["id"]
    assert found.labels["kitaru.owner"] == urn("team")
    assert local_room.up(local("team")).ops == {"team": "same"}


_NOT_ACTIVE = """
import os
from kitaru_iac.errors import KitaruError
from kitaru_iac.stacks import operations

use = operations.use
def not_now(ref):
    if os.path.exists({mark!r}):
        raise KitaruError("it cannot be the active stack")
    return use(ref)
operations.use = not_now
"""


def test_what_could_not_be_made_active_is_noted_and_gone_on_with(
    local_room: Room, pulumi_home: Path, tmp_path: Path
) -> None:
    """As created, and as updated: the engine keeps what was made, and why it is not whole."""
    mark = tmp_path / "not-active"
    mark.touch()
    plugin_in(pulumi_home, _NOT_ACTIVE.format(mark=str(mark)))
    first, wanted = (local("dev", activate=True, artifact_store=at) for at in (None, ELSEWHERE))
    for folder, program in ((None, first), (ELSEWHERE, wanted)):
        with pytest.raises(Failed, match="registered, but not active: it cannot be"):
            local_room.up(program)
        held = local_room.resources()["dev"]
        assert "it cannot be the active stack" in json.dumps(held["initErrors"])
        assert "activate" not in held["outputs"]
        look(local_room, dev=folder)
    mark.unlink()
    assert local_room.up(wanted).ops == {"dev": "update"}
    held = local_room.resources()["dev"]
    assert "initErrors" not in held
    assert held["outputs"]["activate"] is True
    assert local_room.up(wanted).ops == {"dev": "same"}
