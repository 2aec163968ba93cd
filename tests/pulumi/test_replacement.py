"""What makes the engine replace a stack that keeps its name: afterwards there is one, and it lives.

The engine creates the replacement before it deletes what was replaced, unless Diff said otherwise;
for `--replace` it does not ask Diff. See `kitaru_iac.pulumi.plugin.runs`.
"""

from __future__ import annotations

from typing import Any

import grpc
import pulumi
import pytest
from pulumi.runtime.proto import provider_pb2 as p

import kitaru_iac.pulumi as kitaru
from tests.pulumi import stored
from tests.pulumi.programs import REMOTE, local
from tests.pulumi.protocol import URN, struct
from tests.pulumi.room import Room
from tests.pulumi.test_interrupts import forget_runs


def look(room: Room) -> None:
    """One stack, known to both sides under one id."""
    found = stored.records("dev")
    assert found is not None
    assert found.labels["kitaru.owner"] == URN
    assert room.resources()["dev"]["id"] == found.id
    assert room.resources()["dev"]["outputs"]["ownerRun"] == found.labels["kitaru.owner_run"]
    assert stored.names() == {"default", "dev"}


def test_a_stack_that_is_replaced_under_its_name_is_there_afterwards(local_room: Room) -> None:
    local_room.up(local("dev"))

    assert "replace" in local_room.up(local("dev"), replace=[URN]).ops["dev"]
    look(local_room)

    tainted = local_room.pulumi("state", "taint", URN, "--yes", "--stack", "prod")
    assert tainted.returncode == 0, tainted.stderr
    assert "replace" in local_room.up(local("dev")).ops["dev"]
    look(local_room)

    def changed() -> None:
        # A change that is made in place, if the option did not say otherwise.
        options = pulumi.ResourceOptions(replace_on_changes=["*"], replacement_trigger="one")
        kitaru.Stack("dev", activate=True, opts=options)

    assert "replace" in local_room.up(changed).ops["dev"]
    look(local_room)

    assert local_room.preview(changed).ops == {"dev": "same"}

    def triggered() -> None:
        options = pulumi.ResourceOptions(replacement_trigger="two")
        kitaru.Stack("dev", activate=True, opts=options)

    assert "replace" in local_room.up(triggered).ops["dev"]
    look(local_room)

    def deleted_first() -> None:
        options = pulumi.ResourceOptions(delete_before_replace=True, replacement_trigger="two")
        kitaru.Stack("dev", activate=True, opts=options)

    before = stored.records("dev")
    assert "replace" in local_room.up(deleted_first, replace=[URN]).ops["dev"]
    look(local_room)
    assert before is not None
    assert local_room.resources()["dev"]["id"] != before.id
    local_room.destroy()
    assert stored.names() == {"default"}
    assert stored.parts("dev") == set()


def create(plugin: Any, **properties: Any) -> Any:
    made = plugin.Create(p.CreateRequest(urn=URN, name="dev", properties=struct(**properties)))
    assert made.id
    return made


def delete(plugin: Any, made: Any) -> None:
    plugin.Delete(p.DeleteRequest(id=made.id, urn=URN, properties=made.properties))


def test_the_deletion_of_what_was_replaced_leaves_what_replaced_it(plugin: Any) -> None:
    first = create(plugin, name="dev")
    second = create(plugin, name="dev")
    assert second.id == first.id
    assert second.properties["ownerRun"] != first.properties["ownerRun"]
    third = create(plugin, name="dev")
    without = struct(name="dev")  # as a state that was edited, or is of another version
    with pytest.raises(grpc.RpcError, match="another state may have it"):
        plugin.Delete(p.DeleteRequest(id=first.id, urn=URN, properties=without))
    delete(plugin, first)
    delete(plugin, second)
    assert stored.names() == {"default", "dev"}
    delete(plugin, third)
    assert stored.names() == {"default"}
    assert stored.parts("dev") == set()


def test_a_remote_stack_that_is_replaced_by_another_type_keeps_all_its_parts(plugin: Any) -> None:
    given = {
        "artifactStore" if key == "artifact_store" else key: value
        for key, value in REMOTE.items()
        if key not in {"container_registry", "execution_role"}
    } | {"containerRegistry": REMOTE["container_registry"], "name": "dev"}
    first = create(plugin, **given, executionRole=REMOTE["execution_role"])
    before = stored.parts("dev")
    second = create(plugin, **given | {"type": "kubernetes", "cluster": "main"})
    delete(plugin, first)
    found = stored.records("dev")
    assert found is not None
    assert found.id == second.id
    assert found.stack_type == "kubernetes"
    assert (
        stored.parts("dev") == before == {c.type for c in found.components} | {"service_connector"}
    )
    delete(plugin, second)
    assert stored.parts("dev") == set()


def test_in_place_is_said_with_the_order_of_a_replacement_that_others_may_ask_for(
    plugin: Any,
) -> None:
    first = create(plugin, name="dev")

    def diff(**news: Any) -> Any:
        request = p.DiffRequest(id=first.id, urn=URN, name="dev", olds=first.properties)
        request.news.CopyFrom(struct(**news))
        return plugin.Diff(request)

    same, changed, renamed = diff(name="dev"), diff(name="dev", activate=True), diff(name="other")
    assert same.deleteBeforeReplace
    assert changed.deleteBeforeReplace
    assert not changed.replaces
    assert not renamed.deleteBeforeReplace
    assert list(renamed.replaces) == ["name"]


def test_a_machine_that_does_not_know_the_stack_takes_nothing(plugin: Any) -> None:
    """A CI runner: the stack may be a colleague's, whose program is called the same."""
    create(plugin, name="dev")
    before = stored.records("dev")
    forget_runs()
    with pytest.raises(grpc.RpcError) as refused:
        create(plugin, name="dev")
    assert f"pulumi destroy --target {URN}" in refused.value.details()
    assert stored.records("dev") == before
