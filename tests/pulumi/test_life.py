"""The life of a stack in a program: created, unchanged, changed, replaced, destroyed.

With the real engine where its own part matters, else with the model of it in `tests.pulumi.driver`.
"""

from __future__ import annotations

import pulumi
import pytest

import kitaru_iac.pulumi as kitaru
from tests.homes import Home
from tests.pulumi import stored
from tests.pulumi.driver import Engine, Refused, Wanted
from tests.pulumi.programs import REMOTE, local, program
from tests.pulumi.room import Room
from tests.pulumi.test_operations import program as wanted


def test_a_stack_is_previewed_made_kept_and_destroyed(room: Room) -> None:
    preview = room.preview(program())
    assert preview.ops == {"prod": "create"}
    assert "prod" not in stored.names()

    up = room.up(program())
    assert up.ops == {"prod": "create"}
    made = stored.records("prod")
    assert made is not None
    assert up.outputs["id"] == made.id
    assert up.outputs["store"] == REMOTE["artifact_store"]
    assert up.outputs["components"] == {c.type: c.id for c in made.components}
    assert up.outputs["method"] == "secret-key"
    assert made.labels["kitaru.managed"] == "true"
    assert made.labels["kitaru.owner"] == "urn:pulumi:prod::platform::kitaru:index:Stack::prod"

    assert room.preview(program(), expect_no_changes=True).ops == {"prod": "same"}
    assert room.up(program()).ops == {"prod": "same"}
    assert room.refresh(program(), expect_no_changes=True).ops.get("prod") != "update"

    room.destroy(program())
    assert room.resources() == {}
    assert "prod" not in stored.names()
    assert stored.parts("prod") == set()


def test_a_change_is_made_in_place_and_what_depends_on_it_follows(local_room: Room) -> None:
    first = local_room.up(program())
    changed = program(artifact_store="s3://second-bucket/kitaru", async_=True)
    preview = local_room.preview(changed)
    assert preview.ops == {"prod": "update"}
    assert preview.diffs["prod"] == ["artifactStore", "async"]
    second = local_room.up(changed)
    assert second.outputs["id"] == first.outputs["id"]
    assert second.outputs["components"] == first.outputs["components"]
    found = stored.records("prod")
    assert found is not None
    store, runner = found.component("artifact_store"), found.component("orchestrator")
    assert store is not None
    assert runner is not None
    assert store.configuration["path"] == "s3://second-bucket/kitaru"
    assert runner.configuration["synchronous"] is False
    assert local_room.preview(changed).ops == {"prod": "same"}


def test_what_cannot_be_changed_in_place_is_replaced(local_room: Room) -> None:
    changed = {"type": "kubernetes", "execution_role": None, "cluster": "prod-cluster"}
    first = local_room.up(program())
    preview = local_room.preview(program(**changed))
    assert "replace" in preview.ops["prod"]
    assert "type" in preview.diffs["prod"]
    second = local_room.up(program(**changed))
    assert second.outputs["id"] != first.outputs["id"]
    assert stored.names() == {"default", "prod"}
    assert local_room.up(program(**changed)).ops == {"prod": "same"}


def test_another_name_is_another_stack(local_room: Room) -> None:
    local_room.up(local("dev"))
    renamed = local_room.up(local("dev", name="research"))
    assert "replace" in renamed.ops["dev"]
    assert stored.names() == {"default", "research"}


def test_a_name_that_is_taken_is_said_at_preview(home: Home) -> None:
    from kitaru_iac.spec import from_mapping
    from kitaru_iac.stacks import operations

    made = operations.create(from_mapping({"name": "dev", "activate": False}))
    program = {"dev": Wanted({"name": "dev"})}
    for preview in (True, False):
        with pytest.raises(Refused) as refused:
            Engine().up(program, preview=preview)
        text = str(refused.value)
        assert "A stack named 'dev' already exists" in text
        assert f"pulumi import kitaru:index:Stack dev {made.id}" in text
    assert stored.names() == {"default", "dev"}


def test_two_resources_of_one_name_do_not_take_it_from_each_other(home: Home) -> None:
    engine = Engine()
    with pytest.raises(Refused) as refused:
        engine.up({"one": Wanted({"name": "dev"}), "two": Wanted({"name": "dev"})})
    assert "belongs to Pulumi" in str(refused.value)
    assert set(engine.state) == {"one"}
    assert stored.names() == {"default", "dev"}


def test_parts_that_others_use_stay(home: Home) -> None:
    from kitaru_iac.spec import from_mapping
    from kitaru_iac.stacks import operations

    engine = Engine()
    engine.up(wanted())
    operations.create(
        from_mapping(
            {**{k: v for k, v in REMOTE.items() if k != "credentials"}, "name": "other"}
            | {"connector": "dev", "activate": False}
        )
    )
    engine.destroy()
    assert "dev" not in stored.names()
    assert stored.parts("dev") == {"service_connector"}
    assert any("Kept service_connector dev" in line for line in engine.plugin.said)


def test_it_becomes_active_only_where_that_is_asked(home: Home) -> None:
    from kitaru_iac import current_stack

    engine = Engine()
    engine.up({"dev": Wanted({"name": "dev"})})
    assert current_stack().name == "default"
    engine.up({"dev": Wanted({"name": "dev", "activate": True})})
    assert current_stack().name == "dev"
    engine.destroy()
    assert current_stack().name == "default"
    assert any("default is active now" in line for line in engine.plugin.said)


def test_a_stack_under_a_component_moves_with_its_alias(local_room: Room) -> None:
    class Team(pulumi.ComponentResource):
        def __init__(self, name: str) -> None:
            super().__init__("tests:index:Team", name)
            alias = pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)
            kitaru.Stack("dev", opts=pulumi.ResourceOptions(parent=self, aliases=[alias]))

    def moved() -> None:
        Team("ml")

    first = local_room.up(local("dev"))
    second = local_room.up(moved)
    assert second.ops["dev"] == "update"  # the stack's record names its owner
    assert local_room.up(moved).ops["dev"] == "same"
    local_room.destroy(moved)
    assert first.outputs["id"]
    assert stored.names() == {"default"}


def test_a_transform_counts_and_another_program_refers_to_the_outputs(local_room: Room) -> None:
    def moved(asked: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult:
        return pulumi.ResourceTransformResult(
            {**asked.props, "artifactStore": "/tmp/moved"}, asked.opts
        )

    def maker() -> None:
        stack = kitaru.Stack("dev", opts=pulumi.ResourceOptions(transforms=[moved]))
        pulumi.export("stack", {"id": stack.id, "parts": stack.component_ids})
        pulumi.export("store", stack.artifact_store)

    def user() -> None:
        former = pulumi.StackReference("organization/platform/prod")
        pulumi.export("stack", former.require_output("stack"))
        kitaru.Stack("copy", artifact_store=former.require_output("store"))

    made = local_room.up(maker).outputs
    found = stored.records("dev")
    assert found is not None
    assert made == {
        "store": "/tmp/moved",
        "stack": {"id": found.id, "parts": {part.type: part.id for part in found.components}},
    }
    other = Room(local_room.folder, project="users")
    assert other.preview(user).ops == {"copy": "create"}
    assert other.up(user).outputs == {"stack": made["stack"]}
    assert other.resources()["copy"]["outputs"]["artifactStore"] == "/tmp/moved"
