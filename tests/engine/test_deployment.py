"""A deployment through the real engine: its errors, its secrets, its locks, its leavings."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws_sdk
import pytest
from pulumi.automation import Stack

from kitaru_iac.engine.deployment import Deployment
from kitaru_iac.engine.errors import (
    BackendUnusable,
    CredentialsMissing,
    EventsIncomplete,
    PluginMissing,
    ResourceProtected,
    StateDamaged,
    StateLocked,
    UpdateFailed,
    WrongPassphrase,
)
from kitaru_iac.engine.events import Recording
from kitaru_iac.engine.find import find_engine
from kitaru_iac.engine.results import Plugin
from kitaru_iac.engine.workspace import Backend
from kitaru_iac.plan.model import Action, Change
from kitaru_iac.redaction import SecretText
from tests.doubles.aws import REGION
from tests.doubles.standin.fixtures import EngineRoom

pytestmark = pytest.mark.engine

SECRET = "a-very-secret-word"


def role(
    name: str = "a", *, protect: bool = False, secret: bool = True, **more: Any
) -> Callable[[], None]:
    """A program with one role, and outputs of which one is a secret, if wanted."""

    def program() -> None:
        provider = aws_sdk.Provider("aws", region=REGION)
        trust = {"Version": "2012-10-17", "Statement": []}
        aws_sdk.iam.Role(
            "role",
            name=name,
            assume_role_policy=json.dumps(trust),
            opts=pulumi.ResourceOptions(provider=provider, protect=protect),
            **{key: pulumi.Output.secret(v) if v == SECRET else v for key, v in more.items()},
        )
        pulumi.export("name", name)
        if secret:
            pulumi.export("word", pulumi.Output.secret(SECRET))
        else:
            pulumi.export("of", {"all": [1, 2.5, None, True, "ä"]})

    return program


def deployment(program: Callable[[], Any] | None = None, **more: Any) -> Deployment:
    more.setdefault("engine", find_engine())
    return Deployment("project", "test", program or role(), **more)


def assert_reads_as_the_engine(d: Deployment) -> None:
    """What is read of the file of a state is what the engine says."""
    workspace: Any = d._opened and d._opened.workspace

    def read() -> Any:
        state = workspace.export_stack("test")
        outputs = workspace.stack_outputs("test")
        plain = {key: (output.value, output.secret) for key, output in outputs.items()}
        return state.version, state.deployment, plain

    told = read()
    workspace._folder = None
    assert read() == told


def test_its_life_and_what_it_leaves_behind(
    engine_room: EngineRoom, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    before = set(Path.cwd().iterdir())
    with deployment() as d:
        assert d.preview().steps()[0].action is Action.CREATE
        assert not d.exists()
        made = d.up()
        assert made.outputs == {"name": "a", "word": SECRET}
        assert isinstance(made.outputs["word"], SecretText)
        assert SECRET not in repr(made)
        assert d.outputs() == made.outputs
        assert [step.action for step in d.preview().steps()] == [Action.KEEP]
        assert_reads_as_the_engine(d)
    with deployment(role(secret=False)) as d:
        assert d.up().outputs == {"name": "a", "of": {"all": [1, 2.5, None, True, "ä"]}}
        assert_reads_as_the_engine(d)
    with deployment(role(description=SECRET, tags={"a": "b"})) as d:
        step = d.preview().steps()[0]
        assert step.action is Action.UPDATE
        assert step.changes == (
            Change("description", None, "(secret)"),
            Change("tags", None, {"a": "b"}),
        )
        assert [change.sensitive for change in step.changes] == [True, False]
    with deployment(role("b")) as d:
        step = d.preview().steps()[0]
        assert (step.action, step.reason) == (Action.REPLACE, "forced by name")
        assert [step.action for step in d.destroy().steps()] == [Action.DELETE]
        assert not d.exists()
    assert engine_room.aws.client("iam").list_roles()["Roles"] == []
    assert not list(temporary.glob("kitaru-*"))
    assert set(Path.cwd().iterdir()) == before
    assert not list((tmp_path / "pulumi").glob("workspaces/*"))
    assert not (tmp_path / "pulumi" / "credentials.json").exists()
    state = [path for path in engine_room.home.rglob("*") if path.is_file()]
    assert all(SECRET.encode() not in path.read_bytes() for path in state)


def test_a_wrong_passphrase_is_told(
    engine_room: EngineRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    with deployment() as d:
        d.up()
    file = engine_room.home / "kitaru" / "passphrase"
    assert file.stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "another one")
    with deployment() as d, pytest.raises(WrongPassphrase, match="PULUMI_CONFIG_PASSPHRASE is not"):
        d.up()
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE")
    file.write_text("changed")
    with deployment() as d, pytest.raises(WrongPassphrase, match="passphrase file is not"):
        d.preview()


def write_lock(room: EngineRoom, pid: int, host: str) -> Path:
    folder = room.state / ".pulumi" / "locks" / "organization" / "project" / "test"
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / "3f3f3f3f-0000-4000-8000-000000000000.json"
    lock.write_text(
        json.dumps(
            {"pid": pid, "username": "eve", "hostname": host, "timestamp": "2026-01-01T00:00:00Z"}
        )
    )
    return lock


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_lock_of_another_machine_is_respected(engine_room: EngineRoom) -> None:
    with deployment() as d:
        d.up()
    lock = write_lock(engine_room, dead_process(), "elsewhere.example")
    with deployment() as d, pytest.raises(StateLocked) as locked:
        d.up()
    text = str(locked.value)
    assert "eve on elsewhere.example" in text
    assert f"PULUMI_BACKEND_URL={engine_room.state.as_uri()} pulumi cancel --stack" in text
    assert lock.exists()


def test_the_lock_of_a_dead_process_here_is_undone(engine_room: EngineRoom) -> None:
    with deployment() as d:
        d.up()
    lock = write_lock(engine_room, dead_process(), socket.gethostname())
    said: list[str] = []
    with deployment(progress=said.append) as d:
        d.up()
    assert "An earlier run died and left the state locked: unlocking it" in said
    assert not lock.exists()


def test_two_runs_at_once_wait_for_each_other(engine_room: EngineRoom, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    engine_room.fault("before", "aws:iam/role:Role", touch=str(begun), sleep=3)
    first = threading.Thread(target=lambda: deployment().up())
    first.start()
    while not begun.exists():
        assert first.is_alive()
    said: list[str] = []
    with deployment(progress=said.append) as d:
        assert [step.action for step in d.up().steps()] == [Action.KEEP]
    first.join()
    assert any(line.startswith("Waiting for process") for line in said)

    engine_room.fault("before", "aws:iam/role:Role", touch=str(tmp_path / "again"), sleep=3)
    second = threading.Thread(target=lambda: deployment(role(description="x")).up())
    second.start()
    while not (tmp_path / "again").exists():
        assert second.is_alive()
    with deployment(lock_wait=0) as d, pytest.raises(StateLocked):
        d.up()
    second.join()


@pytest.mark.parametrize("where", ["folder", "object store"])
def test_what_another_run_wrote_between_looking_and_writing_is_not_lost(
    engine_room: EngineRoom, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    if where == "object store":
        engine_room.aws.client("s3").create_bucket(
            Bucket="states", CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        options = f"region={REGION}&endpoint={engine_room.aws.url}&s3ForcePathStyle=true"
        monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "words")
        monkeypatch.setenv("PULUMI_BACKEND_URL", f"s3://states?{options}")
    real = Stack.import_stack
    with deployment() as ours, deployment(role("b")) as theirs:
        ours.up()
        [held] = ours.resources()

        def late(stack: Stack, state: Any) -> None:
            monkeypatch.setattr(Stack, "import_stack", real)
            theirs.up()
            real(stack, state)

        monkeypatch.setattr(Stack, "import_stack", late)
        if where == "folder":
            ours.set_protection({held["urn"]: True})
            ours.look_again()
            [now] = ours.resources()
            assert (now["id"], now["protect"]) == ("b", True)
        else:
            with pytest.raises(StateDamaged, match="Another run ended") as told:
                ours.set_protection({held["urn"]: True})
            assert "--take-back" in str(told.value.remedy)
            ours.set_protection({held["urn"]: False})


def test_a_missing_plugin_is_told(
    engine_room: EngineRoom, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "empty"))
    with deployment() as d, pytest.raises(PluginMissing, match="plugin aws"):
        d.preview()
    with (
        deployment(plugins=[Plugin("aws", "7.51.1")]) as d,
        pytest.raises(PluginMissing, match="forbids downloading"),
    ):
        d.preview()


def test_missing_credentials_are_told(
    engine_room: EngineRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)

    def program() -> None:
        aws_sdk.Provider("aws", region=REGION, allowed_account_ids=["123456789012"])

    with deployment(program) as d:
        d.configure({}, (), log_in="nimbus login")
        with pytest.raises(CredentialsMissing, match=r"`nimbus login`.*--credentials"):
            d.up()


def test_a_failing_program_is_told_without_the_engines_noise(engine_room: EngineRoom) -> None:
    def program() -> None:
        raise ValueError("the program's own trouble")

    with deployment(program) as d, pytest.raises(UpdateFailed, match="own trouble"):
        d.preview()


def test_what_is_protected_is_not_deleted(engine_room: EngineRoom) -> None:
    def program() -> None:
        other = pulumi.ResourceOptions(provider=aws_sdk.Provider("other", region=REGION))
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        needed, _ = (
            aws_sdk.iam.Role(name, name=name, assume_role_policy=trust, opts=other)
            for name in ("needed", "free")
        )
        role(protect=True, description=needed.name)()

    with deployment(program) as d:
        d.up()
        for left in (["free"], []):  # the second time, what is left is protected or needed
            steps = d.destroy().steps()
            assert [step.name for step in steps if step.action is Action.DELETE] == left
        assert d.preview_destroy().steps() == ()
        assert {one["id"] for one in d.resources()} == {"a", "needed"}
    with deployment(role(description="needed")) as d:
        told = {step.name: step.changes for step in d.preview().steps()}
        assert Change("protect", before=True, after=False) in told["a"]
    with deployment(lambda: None) as d, pytest.raises(ResourceProtected, match="left alone"):
        d.up()
    assert engine_room.aws.client("iam").list_roles()["Roles"]


def test_a_backend_that_cannot_be_reached_is_told(
    engine_room: EngineRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "x")
    gone = Backend("s3://user:word@no-such-bucket?region=eu-west-1")
    with deployment(backend=gone) as d, pytest.raises(BackendUnusable) as told:
        d.preview()
    assert "word" not in str(told.value.where)


def test_a_plan_with_lost_events_is_refused(
    engine_room: EngineRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = Recording.take

    def lossy(self: Recording, event: Any) -> None:
        pre = event.resource_pre_event or event.res_outputs_event
        if pre is None or "role" not in pre.metadata.urn:
            taken(self, event)

    monkeypatch.setattr(Recording, "take", lossy)
    with deployment() as d, pytest.raises(EventsIncomplete, match="1 create"):
        d.preview()


def test_a_broken_reader_of_events_is_no_success(
    engine_room: EngineRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Recording, event: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Recording, "take", broken)
    with deployment() as d, pytest.raises(ZeroDivisionError):
        d.preview()


def test_secrets_in_a_plugins_words_are_hidden(
    engine_room: EngineRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "word-that-nobody-may-see")
    engine_room.fault("before", "aws:iam/role:Role", fail="with word-that-nobody-may-see it failed")
    with deployment() as d, pytest.raises(UpdateFailed) as failed:
        d.up()
    assert "with (secret) it failed" in str(failed.value)
    assert "nobody-may-see" not in json.dumps(failed.value.to_dict())


def test_nothing_of_the_environment_is_changed(engine_room: EngineRoom) -> None:
    before = dict(os.environ)
    with deployment(environment={"AWS_PROFILE": ""}) as d:
        d.up()
    assert dict(os.environ) == before
