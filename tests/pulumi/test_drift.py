"""What is changed outside the program is seen by a refresh, and mended by the next update."""

from __future__ import annotations

import json

import pulumi
import pytest

import kitaru_iac.pulumi as kitaru
from tests.pulumi import stored
from tests.pulumi.programs import REMOTE, local, program
from tests.pulumi.room import Failed, Room


def test_a_value_that_a_colleague_changed_is_seen_and_mended(room: Room) -> None:
    first = room.up(program())
    stored.configure("prod", "artifact_store", path="s3://elsewhere/kitaru")
    refreshed = room.refresh(program())
    assert refreshed.ops["prod"] == "refresh"
    assert room.resources()["prod"]["outputs"]["artifactStore"] == "s3://elsewhere/kitaru"
    # The connector's resource is still that of the old path, which no property says.
    assert room.preview(program()).diffs["prod"] == ["artifactStore", "drift"]
    mended = room.up(program())
    assert mended.ops == {"prod": "update"}
    assert mended.outputs["id"] == first.outputs["id"]
    found = stored.records("prod")
    assert found is not None
    store = found.component("artifact_store")
    assert store is not None
    assert store.configuration["path"] == REMOTE["artifact_store"]
    assert room.refresh(program(), expect_no_changes=True).text


def test_what_no_property_says_is_told_in_words_and_mended(local_room: Room) -> None:
    local_room.up(program())
    stored.configure("prod", "orchestrator", synchronous=False)
    local_room.refresh(program())
    drift = local_room.resources()["prod"]["outputs"]["drift"]
    assert "orchestrator prod: configuration.synchronous is False, not unset" in drift
    preview = local_room.preview(program())
    assert (preview.ops, preview.diffs["prod"]) == ({"prod": "update"}, ["drift"])
    local_room.up(program())
    found = stored.records("prod")
    assert found is not None
    runner = found.component("orchestrator")
    assert runner is not None
    assert "synchronous" not in runner.configuration
    assert local_room.resources()["prod"]["outputs"]["drift"] == []
    assert local_room.preview(program()).ops == {"prod": "same"}


def test_a_refresh_finds_nothing_where_nothing_changed(room: Room) -> None:
    both = {"extra": {"orchestrator": {"synchronous": False}}, "async_": True}
    room.up(program(**both))
    before = plain(room)
    room.refresh(program(**both), expect_no_changes=True)
    assert plain(room) == before
    assert room.up(program(**both)).ops == {"prod": "same"}


def plain(room: Room) -> dict[str, object]:
    """The outputs in the state; a secret is encrypted anew each time."""
    outputs = room.resources()["prod"]["outputs"]
    return {key: value for key, value in outputs.items() if key != "credentials"}


def test_a_refresh_without_the_credentials_at_hand_still_reads(
    local_room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEYS", REMOTE["credentials"])
    local_room.up(program(credentials="env:TEST_KEYS"))
    monkeypatch.delenv("TEST_KEYS")
    local_room.refresh(expect_no_changes=True)
    assert local_room.resources()["prod"]["outputs"]["drift"] == []


def test_a_stack_that_is_gone_is_made_again(room: Room) -> None:
    room.up(local("dev"))
    stored.delete("dev")
    room.refresh(local("dev"))
    assert "dev" not in room.resources()
    again = room.up(local("dev"))
    assert again.ops == {"dev": "create"}
    assert "dev" in stored.names()


def test_without_a_refresh_a_gone_stack_stops_a_change_and_not_a_deletion(
    local_room: Room,
) -> None:
    local_room.up(local("dev"))
    stored.delete("dev")
    with pytest.raises(Failed) as failed:
        local_room.up(local("dev", artifact_store="/tmp/elsewhere"))
    assert "is gone" in str(failed.value)
    assert "pulumi refresh" in str(failed.value)
    local_room.destroy()
    assert local_room.resources() == {}


def test_a_stack_of_the_same_name_made_anew_by_somebody_else_is_left_alone(
    local_room: Room,
) -> None:
    from kitaru_iac.spec import from_mapping
    from kitaru_iac.stacks import operations

    local_room.up(local("dev"))
    stored.delete("dev")
    theirs = operations.create(from_mapping({"name": "dev", "activate": False}))
    local_room.destroy()
    found = stored.records("dev")
    assert found is not None
    assert found.id == theirs.id
    assert len(found.components) == 2


def test_a_renamed_stack_is_seen_and_gets_its_name_back(local_room: Room) -> None:
    first = local_room.up(local("dev"))
    stored.rename("dev", "theirs")
    local_room.refresh(local("dev"))
    drift = local_room.resources()["dev"]["outputs"]["drift"]
    assert drift == ["stack dev: it is called 'theirs'"]
    assert local_room.preview(local("dev")).diffs["dev"] == ["drift"]
    up = local_room.up(local("dev"))
    assert up.outputs["id"] == first.outputs["id"]
    assert stored.names() == {"default", "dev"}
    assert local_room.preview(local("dev")).ops == {"dev": "same"}


def test_a_lost_label_of_ownership_is_seen_and_written_again(local_room: Room) -> None:
    local_room.up(local("dev"))
    with stored.client() as zenml:
        stack = zenml.get_stack("dev")
        zenml.update_stack(stack.id, labels={"kitaru.owner": None, "kitaru.owner_run": None})
    local_room.refresh(local("dev"))
    assert any("kitaru.owner" in line for line in local_room.resources()["dev"]["outputs"]["drift"])
    local_room.up(local("dev"))
    found = stored.records("dev")
    assert found is not None
    assert "kitaru.owner" in found.labels


@pytest.mark.parametrize("by", ["name", "id"])
def test_an_existing_stack_is_imported(room: Room, by: str) -> None:
    from kitaru_iac.spec import from_mapping
    from kitaru_iac.stacks import operations

    given = {**REMOTE, "name": "prod", "activate": False}
    made = operations.create(from_mapping(given))
    room.open(lambda: None)
    ref = "prod" if by == "name" else made.id
    done = room.pulumi(
        "import", "kitaru:index:Stack", "prod", ref, "--yes", "--generate-code=false"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    state = room.resources()["prod"]
    assert state["id"] == made.id
    assert state["inputs"]["artifactStore"] == REMOTE["artifact_store"]
    assert "connector" not in state["inputs"]
    assert "cannot be read back" in done.stdout + done.stderr
    # With its credentials in the program the stack is kept, and becomes the program's.
    up = room.up(program())
    assert up.ops == {"prod": "update"}
    found = stored.records("prod")
    assert found is not None
    assert found.id == made.id
    assert found.labels["kitaru.owner"].endswith("::prod")
    assert room.up(program()).ops == {"prod": "same"}


def test_an_option_imports_too_and_a_difference_is_shown(local_room: Room) -> None:
    from kitaru_iac.spec import from_mapping
    from kitaru_iac.stacks import operations

    made = operations.create(from_mapping({"name": "dev", "activate": False}))

    def take(**more: str) -> None:
        kitaru.Stack("dev", **more, opts=pulumi.ResourceOptions(import_="dev"))

    # The engine imports what is there, and then makes of it what the program says.
    preview = local_room.preview(lambda: take(artifact_store="/tmp/elsewhere"))
    assert preview.ops == {"dev": "update"}
    assert preview.diffs["dev"] == ["artifactStore", "ownerUrn"]
    local_room.up(take)
    assert local_room.resources()["dev"]["id"] == made.id


def test_a_stack_that_is_only_looked_at(room: Room) -> None:
    from kitaru_iac.spec import from_mapping
    from kitaru_iac.stacks import operations

    made = operations.create(from_mapping({**REMOTE, "name": "theirs", "activate": False}))

    def look() -> None:
        found = kitaru.Stack.get("found", "theirs")
        pulumi.export("id", found.id)
        pulumi.export("store", found.artifact_store)
        pulumi.export("type", found.type)

    up = room.up(look)
    assert up.outputs == {"id": made.id, "store": REMOTE["artifact_store"], "type": "sagemaker"}
    room.destroy(look)
    assert "theirs" in stored.names()


@pytest.mark.parametrize("ref", ["nothere", "00000000-0000-0000-0000-000000000000", "ab"])
def test_looking_at_what_is_not_there_fails(local_room: Room, ref: str) -> None:
    """An empty answer would be read as "exists": a preview that is green, and wrong."""

    def look() -> None:
        kitaru.Stack.get("found", ref)

    with pytest.raises(Failed) as failed:
        local_room.preview(look)
    assert "does not exist" in str(failed.value)
    assert "Traceback (most recent call last)" not in str(failed.value)
    with pytest.raises(Failed):
        local_room.up(look)


def test_the_state_is_what_the_schema_says(local_room: Room) -> None:
    from kitaru_iac.pulumi.plugin.schema import schema

    local_room.up(program())
    known = schema()["resources"]["kitaru:index:Stack"]
    state = local_room.resources()["prod"]
    assert set(state["outputs"]) <= set(known["properties"])
    assert set(known["required"]) <= set(state["outputs"])
    assert set(state["inputs"]) <= set(known["inputProperties"])
    json.dumps(state)
