"""The package's schema: the engine takes it, and it says what the plugin and the classes do."""

from __future__ import annotations

import dataclasses
import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import kitaru_iac
import kitaru_iac.pulumi as kitaru
from kitaru_iac.pulumi.keys import STACK_KEYS, camel
from kitaru_iac.pulumi.plugin.schema import schema
from kitaru_iac.pulumi.plugin.settings import KEYS
from kitaru_iac.pulumi.plugin.stacks import COMPUTED
from tests.pulumi.room import Room, install_plugin

STACK = schema()["resources"]["kitaru:index:Stack"]


def python_name(wire: str) -> str:
    from kitaru_iac.pulumi.keys import snake

    name = snake(wire)
    return f"{name}_" if name == "async" else name


@pytest.fixture
def from_engine(local_room: Room, pulumi_home: Path) -> dict[str, Any]:
    program = install_plugin(pulumi_home).with_name("pulumi-resource-kitaru")
    done = local_room.pulumi("package", "get-schema", str(program))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_engine_gives_it(from_engine: dict[str, Any]) -> None:
    ours = schema()
    assert from_engine["name"] == "kitaru"
    assert from_engine["version"] == kitaru_iac.__version__
    assert set(from_engine["resources"]) == set(ours["resources"])
    assert set(from_engine["functions"]) == set(ours["functions"])
    assert from_engine["resources"]["kitaru:index:Stack"]["description"] == STACK["description"]


def test_the_engine_finds_nothing_wrong_with_it(local_room: Room) -> None:
    file = local_room.folder / "schema.json"
    file.write_text(json.dumps(schema()))
    done = local_room.pulumi("schema", "check", str(file))
    assert done.returncode == 0, done.stderr + done.stdout
    assert "warning" not in done.stdout.lower() + done.stderr.lower()


def test_everything_is_described() -> None:
    def described(node: dict[str, Any], path: str) -> None:
        for name, value in node.items():
            assert value.get("description"), f"{path}.{name} has no description"

    for token, resource in schema()["resources"].items():
        assert resource["description"], token
        described(resource["inputProperties"], token)
        described(resource["properties"], token)
    for token, function in schema()["functions"].items():
        described(function["inputs"]["properties"], token)
        described(function["outputs"]["properties"], token)
    for token, type_ in schema()["types"].items():
        assert type_["description"], token
        described(type_.get("properties", {}), token)
    described(schema()["config"]["variables"], "config")


def test_the_classes_have_the_same_properties() -> None:
    arguments = {field.name for field in dataclasses.fields(kitaru.StackArgs)}
    assert arguments == {python_name(name) for name in STACK["inputProperties"]}
    given = set(inspect.signature(kitaru.Stack.__init__).parameters)
    assert given - {"self", "resource_name", "args", "opts"} == arguments
    outputs = set(inspect.get_annotations(kitaru.Stack))
    assert outputs == {python_name(name) for name in STACK["properties"]}
    provider = {field.name for field in dataclasses.fields(kitaru.ProviderArgs)}
    assert provider == {python_name(name) for name in schema()["config"]["variables"]}
    assert set(KEYS) == set(schema()["config"]["variables"])
    result = schema()["types"]["kitaru:index:CheckResult"]["properties"]
    assert {f.name for f in dataclasses.fields(kitaru.CheckResult)} == set(map(python_name, result))
    outputs = schema()["functions"]["kitaru:index:verify"]["outputs"]["properties"]
    assert {f.name for f in dataclasses.fields(kitaru.VerifyResult)} == set(outputs)


def test_the_plugin_has_the_same_properties() -> None:
    described = {camel(key) for key in STACK_KEYS}
    assert set(STACK["inputProperties"]) == described
    assert set(STACK["properties"]) == described | set(COMPUTED)


def test_secrets_are_marked() -> None:
    assert STACK["inputProperties"]["credentials"]["secret"] is True
    assert STACK["properties"]["credentials"]["secret"] is True
    assert schema()["config"]["variables"]["apiKey"]["secret"] is True


def test_it_needs_no_cloud() -> None:
    """It is asked for before anybody has said which cloud it is to be."""
    code = (
        "import sys, json; from kitaru_iac.pulumi.plugin.schema import schema;"
        "json.dumps(schema());"
        "heavy = {m.split('.')[0] for m in sys.modules} & "
        "{'pulumi_aws', 'pulumi_gcp', 'pulumi_azure_native', 'boto3', 'zenml', 'sqlalchemy'};"
        "print(sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_program_imports_no_zenml_and_no_cloud() -> None:
    code = (
        "import sys, kitaru_iac.pulumi;"
        "print(sorted({m.split('.')[0] for m in sys.modules} & "
        "{'pulumi_aws', 'boto3', 'zenml', 'sqlalchemy', 'typer'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
