"""The ready program: a configuration becomes a description, and that a stack."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi import automation as auto
from pulumi.runtime import config as runtime
from pulumi.runtime import settings

from kitaru_iac.pulumi.program import deploy, description
from tests.doubles.aws import ACCOUNT_ID, REGION
from tests.doubles.standin.fixtures import EngineRoom
from tests.homes import Home
from tests.pulumi import stored
from tests.pulumi.room import Failed, Room, install_plugin
from tests.pulumi.tracebacks import failed_badly
from tests.stacks.conftest import workshop  # noqa: F401

KEYS = "aws-access-keys:AKIAFIRST00000000001:first-secret"


def program() -> None:
    for key, value in deploy(description()).items():
        pulumi.export(key, value)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose program runs in the folder below."""
    folder = tmp_path / "team"
    (folder / "programs").mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text("name: platform\nruntime: python\n")
    monkeypatch.chdir(folder / "programs")
    return folder


class TestWithoutAnEngine:
    @pytest.fixture(autouse=True)
    def of_the_stack_prod(self, project: Path) -> Iterator[None]:
        before = settings.SETTINGS
        settings.configure(settings.Settings(project="platform", stack="prod", dry_run=True))
        # Outputs are made in the program's loop; an earlier test may have closed this thread's.
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        yield
        asyncio.set_event_loop(None)
        loop.close()
        runtime.set_all_config({}, [])
        settings.configure(before)

    def configured(self, secret: tuple[str, ...] = (), **keys: str) -> dict[str, Any]:
        runtime.set_all_config(
            {f"kitaru:{key}": text for key, text in keys.items()} | {"aws:region": "x"},
            [f"kitaru:{key}" for key in secret],
        )
        return description()

    def refused(self, **keys: Any) -> list[str]:
        with pytest.raises(pulumi.RunError) as refusal:
            self.configured(**keys)
        head, *lines = str(refusal.value).splitlines()
        assert head.startswith("The configuration of the stack has ")
        return [line.removeprefix("  - ") for line in lines]

    def test_nothing_is_a_local_stack_of_the_pulumi_stacks_name(self):
        assert self.configured() == {"name": "prod"}

    def test_keys_are_read_as_what_they_are(self):
        found = self.configured(
            type="sagemaker",
            region="eu-west-1",
            infra="provision",
            activate="true",
            **{"async": "false"},
            resources='{"bucket":"create"}',
            extra='{"orchestrator":{"synchronous":false,"volume_size_in_gb":30}}',
        )
        assert found == {
            "name": "prod",
            "type": "sagemaker",
            "region": "eu-west-1",
            "infra": "provision",
            "activate": True,
            "async": False,
            "resources": {"bucket": "create"},
            "extra": {"orchestrator": {"synchronous": False, "volume_size_in_gb": 30}},
        }

    def test_the_providers_keys_are_left_to_it(self):
        keys = {"url": "https://x", "apiKey": "k", "verifySsl": "false"}
        assert self.configured(secret=("apiKey",), **keys) == {"name": "prod"}

    def test_single_keys_win_over_the_file_and_mappings_are_merged(self, project: Path):
        (project / "stack.yaml").write_text(
            "name: other\ntype: local\nregion: eu-west-1\nartifact_store: s3://data\n"
            "extra:\n  orchestrator: {a: 1, b: 2}\n  artifact_store: {c: 3}\n"
        )
        found = self.configured(
            file="stack.yaml", region="eu-central-1", extra='{"orchestrator":{"b":5}}'
        )
        assert found == {
            "name": "other",
            "type": "local",
            "region": "eu-central-1",
            "artifact_store": "s3://data",
            "extra": {"orchestrator": {"a": 1, "b": 5}, "artifact_store": {"c": 3}},
        }

    def test_a_secret_is_a_secret_output(self):
        found = self.configured(
            secret=("credentials",),
            artifact_store="s3://data",
            region="eu-west-1",
            credentials=KEYS,
        )
        assert isinstance(found["credentials"], pulumi.Output)
        assert KEYS not in str(found)

    def test_every_problem_is_told_at_once_with_the_command_that_mends_it(self):
        lines = self.refused(
            artifactStore="s3://my bucket",
            api_key="hush",
            fiel="stack.yaml",
            nonsense="1",
            type="kubernets",
            activate="perhaps",
            secret=("api_key",),
        )
        text = "\n".join(lines)
        assert len(lines) == 6
        assert "hush" not in text
        assert (
            "kitaru:artifactStore: `artifactStore` is not a key of a stack's description. Did you "
            "mean `artifact_store`? pulumi config rm kitaru:artifactStore && "
            "pulumi config set kitaru:artifact_store 's3://my bucket'"
        ) in lines
        assert "pulumi config set --secret kitaru:apiKey" in text
        assert "pulumi config set kitaru:file stack.yaml" in text
        assert "pulumi config rm kitaru:nonsense" in text
        assert "Did you mean `kubernetes`? Change it with: pulumi config set kitaru:type" in text
        assert "pulumi config set kitaru:activate" in text

    def test_what_is_missing_names_its_key_or_its_file(self, project: Path):
        (line,) = self.refused(
            type="kubernetes",
            cluster="c",
            region="eu-west-1",
            container_registry=f"{ACCOUNT_ID}.dkr.ecr.eu-west-1.amazonaws.com",
        )
        assert line.startswith("kitaru:artifact_store: artifact_store is missing")
        assert "pulumi config set kitaru:artifact_store" in line

        (project / "stack.yaml").write_text("type: kubernetes\nregion: 3\n")
        lines = self.refused(file="stack.yaml", cluster="c")
        assert any(line.startswith("stack.yaml:2: region has to be text") for line in lines)
        assert any(line.startswith("stack.yaml: artifact_store is missing") for line in lines)
        assert not any("pulumi config" in line for line in lines)

    def test_a_file_that_is_not_there(self):
        (line,) = self.refused(file="none.yaml")
        assert line.startswith("none.yaml: there is no such file")
        assert "pulumi config set kitaru:file PATH" in line

    def test_a_stack_name_that_zenml_cannot_have(self):
        settings.configure(settings.Settings(project="platform", stack="default", dry_run=True))
        (line,) = self.refused()
        assert line.startswith("the Pulumi stack's name: ")
        assert "pulumi config set kitaru:name NAME" in line

    def test_credentials_are_never_repeated(self):
        text = "\n".join(
            self.refused(
                artifact_store="s3://data",
                region="eu-west-1",
                credentials="my-own-secret",
                secret=("credentials",),
            )
        )
        assert "my-own-secret" not in text
        assert "pulumi config set --secret kitaru:credentials" in text


def test_the_program_of_a_local_stack_imports_neither_zenml_nor_a_cloud(bare_home: Home):
    code = (
        "import json, sys\n"
        "from kitaru_iac.pulumi import program, provisioned\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))\n"
    )
    done = bare_home.run(sys.executable, "-c", code)
    heavy = {"zenml", "pulumi_aws", "boto3", "botocore", "azure", "kubernetes", "sqlalchemy"}
    assert not set(json.loads(done.stdout)) & heavy


@pytest.mark.engine
class TestInTheEngine:
    def test_a_local_stack_from_a_file(self, local_room: Room, project: Path):
        (project / "stack.yaml").write_text("type: local\n")
        config = {"kitaru:file": "stack.yaml"}
        preview = local_room.preview(program, config=config)
        assert preview.ops == {"prod": "create"}
        assert stored.records("prod") is None
        up = local_room.up(program)
        assert set(up.outputs) == {"name", "type", "stack_id"}
        assert (up.outputs["name"], up.outputs["type"]) == ("prod", "local")
        assert stored.records("prod").id == up.outputs["stack_id"]
        assert local_room.up(program).ops == {"prod": "same"}
        # An address of the file's own is a change of the stack.
        (project / "stack.yaml").write_text(f"artifact_store: {project / 'data'}\n")
        changed = local_room.up(program)
        assert changed.ops == {"prod": "update"}
        assert changed.outputs["artifact_store"] == str(project / "data")
        local_room.destroy(program)
        assert stored.records("prod") is None

    def test_a_wrong_configuration_ends_the_preview_without_a_traceback(self, local_room: Room):
        with pytest.raises(Failed) as failed:
            local_room.preview(program, config={"kitaru:type": "kubernets"})
        assert "Did you mean `kubernetes`?" in str(failed.value)

    @pytest.fixture
    def site(
        self,
        workshop: EngineRoom,  # noqa: F811
        tmp_path: Path,
        project: Path,
    ) -> Callable[..., Room]:
        del project

        def make(**config: str) -> Room:
            import os

            install_plugin(Path(os.environ["PULUMI_HOME"]))
            room = Room(tmp_path / "site")
            keys = (
                f"aws-access-keys:{os.environ['AWS_ACCESS_KEY_ID']}"
                f":{os.environ['AWS_SECRET_ACCESS_KEY']}"
            )
            given = {f"kitaru:{key}": text for key, text in config.items()}
            secret = {"kitaru:credentials": auto.ConfigValue(keys, secret=True)}
            room.preview(lambda: None, config={**given, **secret})
            return room

        return make

    def test_verify_ends_the_preview_with_its_report(
        self,
        site: Callable[..., Room],
        workshop: EngineRoom,  # noqa: F811
    ):
        room = site(
            type="sagemaker",
            infra="verify",
            region=REGION,
            artifact_store="s3://data/kitaru",
            container_registry=f"{ACCOUNT_ID}.dkr.ecr.{REGION}.amazonaws.com",
            execution_role=f"arn:aws:iam::{ACCOUNT_ID}:role/Runner",
        )
        with pytest.raises(Failed) as failed:
            room.preview(program)
        assert "s3://data" in str(failed.value)
        assert not failed_badly(str(failed.value))
        assert workshop.aws.client("s3").list_buckets()["Buckets"] == []
        assert stored.records("prod") is None

    def test_provision_makes_everything_and_keeps_the_secret(
        self,
        site: Callable[..., Room],
        workshop: EngineRoom,  # noqa: F811
    ):
        import os

        room = site(type="sagemaker", region=REGION, infra="provision")
        up = room.up(program)
        assert set(up.outputs) == {
            *("name", "type", "region", "artifact_store", "container_registry"),
            *("execution_role", "stack_id"),
        }
        bucket = f"kitaru-prod-{ACCOUNT_ID}-{REGION}"
        assert up.outputs["artifact_store"] == f"s3://{bucket}"
        assert stored.records("prod").id == up.outputs["stack_id"]
        assert set(room.up(program).ops.values()) == {"same"}
        secret = os.environ["AWS_SECRET_ACCESS_KEY"]
        assert secret not in json.dumps(room.resources())
        assert secret not in up.text
