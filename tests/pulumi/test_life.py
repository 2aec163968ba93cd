"""The life of a stack in a program: created, unchanged, changed, replaced, destroyed."""

from __future__ import annotations

import pulumi
import pytest

import kitaru_iac.pulumi as kitaru
from tests.pulumi import stored
from tests.pulumi.programs import KEYS, REMOTE, local, program
from tests.pulumi.room import Failed, Room


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


@pytest.mark.parametrize(
    ("changed", "property_"),
    [
        ({"credentials": "aws-profile:prod"}, "credentials"),
        (
            {
                "type": "kubernetes",
                "execution_role": None,
                "cluster": "prod-cluster",
            },
            "type",
        ),
    ],
)
def test_what_cannot_be_changed_in_place_is_replaced(
    local_room: Room, changed: dict[str, str | None], property_: str
) -> None:
    first = local_room.up(program())
    preview = local_room.preview(program(**changed))
    assert "replace" in preview.ops["prod"]
    assert property_ in preview.diffs["prod"]
    second = local_room.up(program(**changed))
    assert second.outputs["id"] != first.outputs["id"]
    assert stored.names() == {"default", "prod"}
    assert local_room.up(program(**changed)).ops == {"prod": "same"}


def test_another_name_is_another_stack(local_room: Room) -> None:
    local_room.up(local("dev"))
    renamed = local_room.up(local("dev", name="research"))
    assert "replace" in renamed.ops["dev"]
    assert stored.names() == {"default", "research"}


def test_the_same_keys_of_another_kind_are_changed_in_place(local_room: Room) -> None:
    first = local_room.up(program())
    other = KEYS.replace("FIRST", "OTHER")
    second = local_room.up(program(credentials=other))
    assert second.ops == {"prod": "update"}
    assert second.outputs["id"] == first.outputs["id"]
    found = stored.records("prod")
    assert found is not None
    assert found.connector is not None
    assert found.connector.auth_method == "secret-key"


def test_a_name_that_is_taken_is_said_at_preview(room: Room) -> None:
    from kitaru_iac.spec import from_mapping
    from kitaru_iac.stacks import operations

    made = operations.create(from_mapping({"name": "dev", "activate": False}))
    with pytest.raises(Failed) as failed:
        room.preview(local("dev"))
    text = str(failed.value)
    assert "A stack named 'dev' already exists" in text
    assert f"pulumi import kitaru:index:Stack dev {made.id}" in text
    assert "Traceback" not in text
    with pytest.raises(Failed):
        room.up(local("dev"))
    assert stored.names() == {"default", "dev"}


def test_two_resources_of_one_name_do_not_take_it_from_each_other(local_room: Room) -> None:
    def twice() -> None:
        first = kitaru.Stack("one", name="dev")
        kitaru.Stack("two", name="dev", opts=pulumi.ResourceOptions(depends_on=[first]))

    with pytest.raises(Failed) as failed:
        local_room.up(twice)
    assert "belongs to Pulumi" in str(failed.value)
    assert local_room.resources()["one"]["id"]
    assert stored.names() == {"default", "dev"}


def test_parts_that_others_use_stay(local_room: Room) -> None:
    from kitaru_iac.spec import from_mapping
    from kitaru_iac.stacks import operations

    local_room.up(program())
    operations.create(
        from_mapping(
            {**{k: v for k, v in REMOTE.items() if k != "credentials"}, "name": "other"}
            | {"connector": "prod", "activate": False}
        )
    )
    gone = local_room.destroy(program())
    assert "prod" not in stored.names()
    assert stored.parts("prod") == {"service_connector"}
    assert any("Kept service_connector prod" in line for line in gone.diagnostics)


def test_it_becomes_active_only_where_that_is_asked(local_room: Room) -> None:
    from kitaru_iac import current_stack

    local_room.up(local("dev"))
    assert current_stack().name == "default"
    local_room.up(local("dev", activate=True))
    assert current_stack().name == "dev"
    gone = local_room.destroy()
    assert current_stack().name == "default"
    assert any("default is active now" in line for line in gone.diagnostics)


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
