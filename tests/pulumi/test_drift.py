"""What is changed outside the program is seen by a refresh, and mended by the next update.

With the real engine where its own part matters, else with the model of it in `tests.pulumi.driver`.
"""

from __future__ import annotations

from pathlib import Path

import pulumi
import pytest

import kitaru_iac.pulumi as kitaru
from tests.homes import Home
from tests.pulumi import stored
from tests.pulumi.driver import Engine, Refused, Wanted
from tests.pulumi.programs import REMOTE, local, program
from tests.pulumi.room import Failed, Room
from tests.pulumi.test_operations import agree
from tests.pulumi.test_operations import program as wanted
from tests.pulumi.tracebacks import failed_badly

LOCAL = {"dev": Wanted({"name": "dev"})}


@pytest.mark.parametrize("any_home", ["server"], indirect=True)
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


def test_what_no_property_says_is_told_in_words_and_mended(home: Home) -> None:
    engine = Engine()
    engine.up(wanted())
    stored.configure("dev", "orchestrator", synchronous=False)
    engine.refresh()
    drift = engine.state["dev"].properties["drift"]
    assert "orchestrator dev: configuration.synchronous is False, not unset" in drift
    assert engine.up(wanted(), preview=True) == {"dev": "update"}
    assert engine.diffs["dev"] == ["drift"]
    engine.up(wanted())
    found = stored.records("dev")
    assert found is not None
    runner = found.component("orchestrator")
    assert runner is not None
    assert "synchronous" not in runner.configuration
    agree(engine, wanted())


@pytest.mark.parametrize("any_home", ["server"], indirect=True)
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
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEYS", REMOTE["credentials"])
    engine = Engine()
    engine.up(wanted(credentials="env:TEST_KEYS"))
    before = engine.state["dev"].properties
    monkeypatch.delenv("TEST_KEYS")
    engine.refresh()
    assert engine.state["dev"].properties == before
    assert before["drift"] == []


@pytest.mark.parametrize("any_home", ["server"], indirect=True)
def test_a_stack_that_is_gone_is_made_again(room: Room) -> None:
    room.up(local("dev"))
    stored.delete("dev")
    room.refresh(local("dev"))
    assert "dev" not in room.resources()
    again = room.up(local("dev"))
    assert again.ops == {"dev": "create"}
    assert "dev" in stored.names()


def test_without_a_refresh_a_gone_stack_stops_a_change_and_not_a_deletion(home: Home) -> None:
    engine = Engine()
    engine.up(LOCAL)
    stored.delete("dev")
    for preview in (True, False):
        with pytest.raises(Refused) as refused:
            engine.up(
                {"dev": Wanted({"name": "dev", "artifactStore": "/tmp/elsewhere"})}, preview=preview
            )
        assert "is gone" in str(refused.value)
        assert "pulumi refresh" in str(refused.value)
    engine.destroy()
    assert engine.state == {}


def test_a_stack_of_the_same_name_made_anew_by_somebody_else_is_left_alone(home: Home) -> None:
    from kitaru_iac.spec import from_mapping
    from kitaru_iac.stacks import operations

    engine = Engine()
    engine.up(LOCAL)
    stored.delete("dev")
    theirs = operations.create(from_mapping({"name": "dev", "activate": False}))
    engine.destroy()
    found = stored.records("dev")
    assert found is not None
    assert found.id == theirs.id
    assert len(found.components) == 2


def test_a_renamed_stack_is_seen_and_gets_its_name_back(home: Home) -> None:
    engine = Engine()
    engine.up(LOCAL)
    made = engine.state["dev"].id
    stored.rename("dev", "theirs")
    engine.refresh()
    assert engine.state["dev"].properties["drift"] == ["stack dev: it is called 'theirs'"]
    assert engine.up(LOCAL, preview=True) == {"dev": "update"}
    assert engine.diffs["dev"] == ["drift"]
    engine.up(LOCAL)
    assert engine.state["dev"].id == made
    agree(engine, LOCAL)


def test_a_lost_label_of_ownership_is_seen_and_written_again(home: Home) -> None:
    engine = Engine()
    engine.up(LOCAL)
    with stored.client() as zenml:
        stack = zenml.get_stack("dev")
        zenml.update_stack(stack.id, labels={"kitaru.owner": None, "kitaru.owner_run": None})
    engine.refresh()
    assert any("kitaru.owner" in line for line in engine.state["dev"].properties["drift"])
    engine.up(LOCAL)
    agree(engine, LOCAL)


@pytest.mark.parametrize(
    ("any_home", "by"), [("server", "name"), ("sqlite", "id")], indirect=["any_home"]
)
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
    assert "pulumi up marks the stack as its own" in done.stdout + done.stderr
    # With its credentials in the program the stack is kept, and becomes the program's.
    up = room.up(program())
    assert up.ops == {"prod": "update"}
    found = stored.records("prod")
    assert found is not None
    assert found.id == made.id
    assert found.labels["kitaru.owner"].endswith("::prod")
    assert room.up(program()).ops == {"prod": "same"}


def test_an_import_into_a_second_state_owns_nothing_until_it_takes_over(
    local_room: Room, tmp_path: Path
) -> None:
    """Both have one project, stack and name, in two backends."""
    local_room.up(lambda: kitaru.Stack("dev"))
    second = Room(tmp_path / "second")
    second.open(lambda: None)
    done = second.pulumi(
        *("import", "kitaru:index:Stack", "dev", "dev", "--yes"),
        *("--generate-code=false", "--protect=false"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "in another state or in one that is lost" in done.stdout + done.stderr
    with pytest.raises(Failed, match="was imported, and another state may have it"):
        second.destroy()
    assert "dev" in stored.names()
    assert second.up(lambda: kitaru.Stack("dev")).ops == {"dev": "update"}
    assert "was left as it is" in local_room.destroy().text
    assert "dev" in stored.names()
    second.destroy()
    assert "dev" not in stored.names()


def test_an_option_imports_too_and_a_difference_is_shown(local_room: Room) -> None:
    from kitaru_iac.spec import from_mapping
    from kitaru_iac.stacks import operations

    made = operations.create(from_mapping({"name": "dev", "activate": False}))

    def take(**more: str) -> None:
        kitaru.Stack("dev", **more, opts=pulumi.ResourceOptions(import_="dev"))

    # The engine imports what is there, and then makes of it what the program says.
    preview = local_room.preview(lambda: take(artifact_store="/tmp/elsewhere"))
    assert "Once the resource is in this one, pulumi up marks the stack" in preview.text
    assert preview.ops == {"dev": "update"}
    assert preview.diffs["dev"] == ["artifactStore", "ownerUrn"]
    local_room.up(take)
    assert local_room.resources()["dev"]["id"] == made.id


@pytest.mark.parametrize("any_home", ["server"], indirect=True)
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
    assert "warning" not in up.text  # what is to be done after an import
    room.destroy(look)
    assert "theirs" in stored.names()


def test_looking_at_what_is_not_there_fails(local_room: Room) -> None:
    """An empty answer would be read as "exists": a preview that is green, and wrong."""

    def look() -> None:
        kitaru.Stack.get("found", "nothere")

    for run in (local_room.preview, local_room.up):
        with pytest.raises(Failed) as failed:
            run(look)
        assert "does not exist" in str(failed.value)
        assert not failed_badly(str(failed.value))
    for ref in ("nothere", "00000000-0000-0000-0000-000000000000", "ab"):
        assert Engine().get("found", ref) is None


def test_the_state_is_what_the_schema_says(home: Home) -> None:
    from kitaru_iac.pulumi.plugin.schema import schema

    engine = Engine()
    engine.up(wanted())
    known = schema()["resources"]["kitaru:index:Stack"]
    state = engine.state["dev"]
    assert set(state.properties) <= set(known["properties"])
    assert set(known["required"]) <= set(state.properties)
    assert set(state.inputs) <= set(known["inputProperties"])
