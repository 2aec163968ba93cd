"""Kill -9 of the plugin in each of its handlers, with the real engine: what is left agrees.

Where nothing was written, store and state are as before; else the same command completes. That
every single write may be the last is in `test_killed`, in one process.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pulumi
import pytest

import kitaru_iac.pulumi as kitaru
from tests.pulumi import stored
from tests.pulumi.aws_site import Remote
from tests.pulumi.programs import REMOTE
from tests.pulumi.room import Failed, Room
from tests.pulumi.test_interrupts import plugin_in

pytestmark = pytest.mark.engine

#: Dies where a file says so, before a call or after it. The calls are those of the engine, and some
#: that write in the middle of them.
_MORTAL = """
import asyncio, functools, os, signal
from kitaru_iac.gateway.in_process import InProcess
from kitaru_iac.pulumi.plugin.servicer import Servicer

def die_if(name):
    try:
        os.unlink({marks!r} + name)
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)

def mortal(owner, name):
    do = getattr(owner, name)
    @functools.wraps(do)
    def call(*arguments, **named):
        die_if("before-" + name)
        return do(*arguments, **named)
    @functools.wraps(do)
    async def handle(*arguments):
        die_if("before-" + name)
        done = await do(*arguments)
        die_if("after-" + name)
        return done
    setattr(owner, name, handle if asyncio.iscoroutinefunction(do) else call)

for name in {handlers!r}:
    mortal(Servicer, name)
for name in ("create_stack", "update_component", "delete"):
    mortal(InProcess, name)
"""
#: Those that write die in the middle too, and when they have written.
WRITING = {
    "Create": ("before-create_stack", "after-Create"),
    "Update": ("before-update_component", "after-Update"),
    "Delete": ("before-delete", "after-Delete"),
}
READING = ("CheckConfig", "DiffConfig", "Configure", "Check", "Diff", "Read", "Invoke", "Construct")
FIRST, SECOND = "s3://first-bucket/kitaru", "s3://second-bucket/kitaru"


def program(folder: str = FIRST) -> Callable[[], None]:
    """A function, a stack with all its parts, and after it a component that the plugin builds."""

    def run() -> None:
        kitaru.verify(name="other")
        stack = kitaru.Stack("prod", **{**REMOTE, "artifact_store": folder})
        after = pulumi.ResourceOptions(depends_on=[stack])
        Remote("kitaru:index:ProvisionedStack", "team", {}, ("stackId",), after)

    return run


def agree(room: Room, folder: str, *others: str) -> None:
    """The stack is known to both sides under one id, with this folder; so are the others."""
    assert stored.names() == {"default", "prod", *others}
    held = room.resources()
    for name in ("prod", *others):
        found = stored.records(name)
        assert found is not None
        (outputs,) = [r["outputs"] for r in held.values() if r.get("id") == found.id]
        assert outputs["ownerUrn"] == found.labels["kitaru.owner"]
        assert outputs["ownerRun"] == found.labels["kitaru.owner_run"]
        store = found.component("artifact_store")
        assert store is not None
        if name == "prod":
            assert outputs["artifactStore"] == store.configuration["path"] == folder


def test_a_plugin_that_is_killed_in_any_handler(
    local_room: Room, pulumi_home: Path, tmp_path: Path
) -> None:
    plugin_in(pulumi_home, _MORTAL.format(marks=f"{tmp_path}/", handlers=(*READING, *WRITING)))
    reached = set()

    def killed(at: str, verb: str, run: Callable[[], None]) -> None:
        (tmp_path / at).touch()
        with pytest.raises(Failed) as failed:
            getattr(local_room, verb)(run)
        assert not (tmp_path / at).exists(), f"not come to {at}: {failed.value}"
        reached.add(at)

    for handler in ("CheckConfig", "Configure", "Invoke", "Check"):
        killed(f"before-{handler}", "up", program())
        assert stored.names() == {"default"}
        assert "prod" not in local_room.resources()
    for at in WRITING["Create"]:
        killed(at, "up", program())
        assert "prod" not in local_room.resources()
    assert stored.names() == {"default", "prod"}
    killed("before-Construct", "up", program())
    agree(local_room, FIRST)
    assert local_room.up(program()).ops["prod"] == "same"
    agree(local_room, FIRST, "team")

    killed("before-Read", "refresh", program())
    moved = program(SECOND)
    for handler in ("DiffConfig", "Diff"):
        killed(f"before-{handler}", "up", moved)
        agree(local_room, FIRST, "team")
    for at in WRITING["Update"]:
        killed(at, "up", moved)
    assert local_room.up(moved).ops["prod"] == "update"
    agree(local_room, SECOND, "team")
    assert local_room.up(moved, refresh=True).ops["prod"] in {"same", "refresh"}

    for at in WRITING["Delete"]:
        killed(at, "destroy", moved)
        assert local_room.resources()
    local_room.destroy()
    assert local_room.resources() == {}
    assert stored.names() == {"default"}
    assert stored.parts("prod") == stored.parts("team") == set()
    everything = {f"before-{name}" for name in READING}
    assert reached == everything.union(*WRITING.values())
