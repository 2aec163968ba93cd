"""Wrong, unknown and secret properties."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi import automation as auto

import kitaru_iac.pulumi as kitaru
from kitaru_iac.pulumi.plugin.wire import UNKNOWN
from tests.homes import Home
from tests.pulumi import stored
from tests.pulumi.driver import Engine, Refused
from tests.pulumi.programs import KEYS, REMOTE, SECRET, not_known, program
from tests.pulumi.room import Failed, Room
from tests.pulumi.test_operations import program as wanted
from tests.pulumi.tracebacks import failed_badly


def test_all_problems_are_told_at_once_by_property(local_room: Room) -> None:
    def wrong() -> None:
        kitaru.Stack(
            "prod",
            type="sagemaker",
            region="eu-west-9",
            artifact_store="gs://a-bucket",
            container_registry="not a registry",
            execution_role="Runtime",
            cluster="prod-cluster",
        )

    with pytest.raises(Failed) as failed:
        local_room.preview(wrong)
    text = str(failed.value)
    for name in ("artifactStore", "containerRegistry", "executionRole", "cluster"):
        assert f"kitaru:index:Stack resource 'prod': property {name} value {{" in text
    assert not failed_badly(text)
    assert stored.names() == {"default"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"artifact_store": "s3://b"}, "`artifactStore`"),
        ({"artefactStore": "s3://b"}, "`artifactStore`"),
        ({"infra": "verify"}, "ProvisionedStack"),
        ({"clustr": "x"}, "`cluster`"),
        ({"verify": "yes"}, "true or false"),
        ({"name": 12}, "has to be text"),
        ({"credentials": "-"}, "standard input"),
        ({"extra": {"orchestrators": {"synchronous": False}}}, "orchestrator"),
    ],
)
def test_another_languages_mistakes_get_a_suggestion(given: dict[str, Any], expected: str) -> None:
    """As they come over the wire from a language that checks no names."""
    from google.protobuf import struct_pb2

    from kitaru_iac.pulumi.keys import reason
    from kitaru_iac.pulumi.plugin import check
    from kitaru_iac.pulumi.plugin.wire import read

    message = struct_pb2.Struct()
    message.update(given)
    found = check.problems(read(message), "prod")
    assert expected in "\n".join(reason(problem) for problem in found), found


def test_a_wrong_field_of_a_component_is_said_at_preview(home: Home) -> None:
    with pytest.raises(Refused) as refused:
        Engine().up(wanted(extra={"orchestrator": {"synchronus": False}}), preview=True)
    assert "synchronus" in str(refused.value)
    assert stored.names() == {"default"}


def test_unknown_values_are_previewed_and_the_others_are_checked(local_room: Room) -> None:
    def unknown(store: str = "s3://a-bucket") -> None:
        later = pulumi.Output.from_input(REMOTE["execution_role"])
        if pulumi.runtime.is_dry_run():
            later = not_known()
        given = {**REMOTE, "execution_role": later, "artifact_store": store}
        stack = kitaru.Stack("prod", **given)
        pulumi.export("role", stack.execution_role)

    preview = local_room.preview(unknown)
    assert preview.ops == {"prod": "create"}
    with pytest.raises(Failed) as failed:
        local_room.preview(lambda: unknown("s3://No_Bucket!"))
    assert "property artifactStore" in str(failed.value)
    up = local_room.up(unknown)
    assert up.outputs["role"] == REMOTE["execution_role"]
    # Not known again, as when the role is replaced: the stack may change.
    assert local_room.preview(unknown).ops == {"prod": "update"}


def test_a_secret_is_nowhere_in_the_clear(local_room: Room, tmp_path: Path) -> None:
    up = local_room.up(program())
    preview = local_room.preview(program(credentials=KEYS.replace(SECRET, f"{SECRET}B")))
    changed = local_room.up(program(credentials=KEYS.replace(SECRET, f"{SECRET}B")))
    refreshed = local_room.refresh(program(credentials=KEYS.replace(SECRET, f"{SECRET}B")))
    for ran in (up, preview, changed, refreshed):
        assert SECRET not in ran.text
        assert SECRET not in "\n".join(ran.diagnostics)
    for path in local_room.folder.rglob("*"):
        if path.is_file():
            assert SECRET not in path.read_text(errors="replace"), path
    state = local_room.resources()["prod"]
    assert "ciphertext" in state["inputs"]["credentials"]
    assert "ciphertext" in state["outputs"]["credentials"]


def test_a_secret_in_another_property_stays_one(local_room: Room) -> None:
    hidden = "s3://a-secret-bucket/kitaru"

    def run() -> None:
        kitaru.Stack("prod", **{**REMOTE, "artifact_store": pulumi.Output.secret(hidden)})

    local_room.up(run)
    state = local_room.resources()["prod"]
    assert "ciphertext" in state["inputs"]["artifactStore"]
    assert "ciphertext" in state["outputs"]["artifactStore"]
    assert hidden not in str(state)


def test_a_wrong_secret_is_not_repeated_in_the_diagnostics(local_room: Room) -> None:
    with pytest.raises(Failed) as failed:
        local_room.preview(program(credentials=f"aws-acess-keys:AKIA:{SECRET}"))
    assert SECRET not in str(failed.value)
    assert "aws-access-keys" in str(failed.value)


def test_a_wrong_secret_that_nobody_marked_is_not_shown_either(local_room: Room) -> None:
    """As another language may send it."""

    class Raw(pulumi.CustomResource):
        pass

    given = {
        "type": "sagemaker",
        "region": "eu-west-1",
        "credentials": f"aws-acess-keys:A:{SECRET}",
    }
    typo = {**given, "credential": SECRET}
    for properties in (given, typo):

        def run(properties: dict[str, str] = properties) -> None:
            Raw("kitaru:index:Stack", "prod", properties)

        with pytest.raises(Failed) as failed:
            local_room.preview(run)
        assert SECRET not in str(failed.value)
        assert "credentials" in str(failed.value)


def test_a_taken_name_is_said_although_other_values_are_unknown(home: Home) -> None:
    from kitaru_iac.spec import from_mapping
    from kitaru_iac.stacks import operations

    operations.create(from_mapping({"name": "dev", "activate": False}))
    with pytest.raises(Refused) as refused:
        Engine().up(wanted(executionRole=UNKNOWN), preview=True)
    assert "already exists" in str(refused.value)


def test_credentials_of_the_configuration(local_room: Room) -> None:
    def run() -> None:
        secret = pulumi.Config("kitaru").require_secret("credentials")
        kitaru.Stack("prod", **{**REMOTE, "credentials": secret})

    config = {"kitaru:credentials": auto.ConfigValue(KEYS, secret=True)}
    up = local_room.up(run, config=config)
    assert SECRET not in up.text
    assert SECRET not in str(local_room.resources())
    # The namespace is the default provider's too, which must not keep what is not its own.
    provider = next(r for n, r in local_room.resources().items() if n.startswith("default"))
    assert "credentials" not in provider["inputs"]
