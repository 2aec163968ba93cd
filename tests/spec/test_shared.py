"""What descriptions share: who wins, what is passed over, and what a file may not hold."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from kitaru_iac.errors import DescriptionError
from kitaru_iac.spec import load, to_mapping
from kitaru_iac.spec.files import documents_in, load_all
from kitaru_iac.spec.shared import read_shared, shared_schema, sharing_file

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
SAGEMAKER = f"""
name: prod
type: sagemaker
artifact_store: s3://data/a
container_registry: {ECR}
execution_role: arn:aws:iam::123456789012:role/One
"""
S3 = "name: dev\nartifact_store: s3://my-bucket\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "stacks").mkdir()
    return tmp_path


def described(folder: Path, text: str, shared: str, **flags: Any) -> dict[str, Any]:
    (folder / "kitaru.yaml").write_text(shared)
    file = folder / "stacks" / "prod.yaml"
    file.write_text(text)
    return to_mapping(load(flags, file, (), {"infra": "verify"}))


@pytest.mark.parametrize(
    ("own", "flags", "expected"),
    [
        ("", {}, {"region": "eu-west-1", "infra": "none"}),
        ("region: us-east-1", {}, {"region": "us-east-1"}),
        ("region: us-east-1", {"region": "eu-north-1"}, {"region": "eu-north-1"}),
        ("labels: {team: ads}", {}, {"labels": {"team": "ads", "cost": "7"}}),
        ("labels: {team: }", {}, {"labels": {"cost": "7"}}),
        ("labels: ", {}, {"labels": None}),
        ("connector: mine", {}, {"connector": "mine", "credentials": None}),
    ],
    ids=["shared", "own", "flag", "mixed", "one-taken-away", "all-taken-away", "excluded"],
)
def test_the_nearer_one_wins(
    folder: Path, own: str, flags: dict[str, Any], expected: dict[str, Any]
) -> None:
    shared = (
        "defaults: {region: eu-west-1, infra: none, credentials: 'aws-profile:p',\n"
        "  labels: {team: search, cost: '7'}}"
    )
    registry = ECR.replace("eu-west-1", str(expected.get("region", "eu-west-1")))
    text = SAGEMAKER.replace(ECR, registry)
    found = described(folder, f"{text}{own}\n", shared, **flags)
    assert {key: found.get(key) for key in expected if key != "infra"} == {
        key: value for key, value in expected.items() if key != "infra"
    }
    # `[tool.kitaru]` says verify, and comes last.
    assert "infra" not in found


@pytest.mark.parametrize(
    ("own", "shared", "absent"),
    [
        ("name: dev", "region: eu-west-1", "region"),  # all on this machine
        ("name: dev", "cluster: c", "cluster"),  # of another type
        (SAGEMAKER + "region: eu-west-1", "project: my-project", "project"),  # of another cloud
        (SAGEMAKER + "region: eu-west-1", "resources: {cluster: existing}", "resources"),
        (S3 + "region: eu-west-1", "resources: {group: existing}", "resources"),  # Azure's alone
        (SAGEMAKER + "region: eu-west-1\ncredentials: aws-profile:p", "connector: c", "connector"),
    ],
)
def test_what_a_stack_has_no_use_for_is_passed_over(
    folder: Path, own: str, shared: str, absent: str
) -> None:
    assert absent not in described(folder, own, f"defaults: {{{shared}}}\n")


def test_a_shared_type_decides_what_else_is_of_use(folder: Path) -> None:
    own = SAGEMAKER.replace("type: sagemaker\n", "")
    found = described(folder, own, "defaults:\n  region: eu-west-1\n  type: sagemaker\n")
    assert (found["type"], found["region"]) == ("sagemaker", "eu-west-1")


def test_the_nearest_file_up_to_the_repository(folder: Path) -> None:
    above = folder.parent / "kitaru.yaml"
    above.write_text("defaults: {labels: {a: b}}")
    file = folder / "stacks" / "dev.yaml"
    file.write_text("name: dev")
    assert sharing_file(str(file)) is None
    (folder / "kitaru.yaml").write_text("defaults: {}\n")
    assert sharing_file(str(file)) == folder / "kitaru.yaml"
    (folder / "stacks" / "kitaru.yaml").write_text("")
    assert sharing_file(str(file)) == folder / "stacks" / "kitaru.yaml"
    (folder / "stacks" / "kitaru.yaml").unlink()
    (folder / "stacks" / "kitaru.yaml").symlink_to("nowhere")
    with pytest.raises(DescriptionError, match="there is no such file"):
        load({}, file)
    assert sharing_file("-") is None
    assert sharing_file("stdin") is None
    above.unlink()


def test_outside_of_a_repository_no_strangers_file_counts(tmp_path: Path) -> None:
    (tmp_path / "open" / "mine").mkdir(parents=True)
    (tmp_path / "open" / "kitaru.yaml").write_text("defaults: {labels: {a: b}}")
    file = tmp_path / "open" / "mine" / "dev.yaml"
    assert sharing_file(str(file)) == tmp_path / "open" / "kitaru.yaml"
    (tmp_path / "open").chmod(0o777)
    assert sharing_file(str(file)) is None
    beside = tmp_path / "open" / "dev.yaml"
    assert sharing_file(str(beside)) == tmp_path / "open" / "kitaru.yaml"
    (tmp_path / ".git").mkdir()
    assert sharing_file(str(file)) == tmp_path / "open" / "kitaru.yaml"


def test_it_is_no_description_of_a_folder(folder: Path) -> None:
    (folder / "stacks" / "kitaru.yaml").write_text("defaults: {labels: {a: b}}\n")
    (folder / "stacks" / "dev.yaml").write_text("name: dev")
    (found,) = load_all(documents_in([str(folder / "stacks")]))
    assert (found.spec.name, found.spec.labels) == ("dev", {"a": "b"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("default: {}", "kitaru.yaml:1: `default` is not a key of kitaru.yaml (its only key is "),
        ("default: {}", "Did you mean `defaults`?"),
        ("region: eu-west-1", "Write it below `defaults:`"),
        ("defaults:\n  regoin: x", "kitaru.yaml:2: `regoin` is not a key of a stack's description"),
        ("defaults:\n  regoin: x", "Did you mean `region`?"),
        ("defaults: {name: x}", "name has no default (it is each description's own)"),
        ("defaults: {activate: true}", "activate has no default"),
        ("defaults: [a]", "defaults has to be a mapping"),
        ("- a", "the file holds a list, not a mapping"),
        ("defaults: {description: '${env:NOT_SET}'}", "NOT_SET is not set"),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_once(folder: Path, text: str, said: str) -> None:
    (folder / "stacks" / "kitaru.yaml").write_text(text)
    for name in ("a", "b"):
        (folder / "stacks" / f"{name}.yaml").write_text(f"name: {name}")
    with pytest.raises(DescriptionError) as caught:
        load_all(documents_in([str(folder / "stacks")]))
    assert len(caught.value.problems) == 1
    assert said in str(caught.value)


def test_a_wrong_default_is_told_at_its_own_line(folder: Path) -> None:
    with pytest.raises(DescriptionError) as caught:
        described(folder, SAGEMAKER, "defaults:\n  region: eu-west-1\n  labels:\n    team: 3\n")
    (problem,) = caught.value.problems
    assert problem.source == f"{folder / 'kitaru.yaml'}:4"


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("defaults: {region: eu-west-1, labels: {team: search}}", True),
        ("defaults: {infra: verify}", True),
        ("defaults: {name: dev}", False),
        ("default: {}", False),
        ("defaults: {region: 3}", False),
        ("source: a", False),
    ],
)
def test_the_schema_and_the_reader_agree(tmp_path: Path, text: str, valid: bool) -> None:
    checker = jsonschema.Draft7Validator(shared_schema())
    assert checker.is_valid(yaml.safe_load(text)) is valid
    (tmp_path / "kitaru.yaml").write_text(text)
    try:
        read_shared(tmp_path / "kitaru.yaml")
    except DescriptionError:
        assert not valid
    else:
        assert valid or "region" in text  # its value is looked at in a description


def test_what_is_no_file_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "kitaru.yaml")
    file = folder / "stacks" / "prod.yaml"
    file.write_text("name: prod")
    with pytest.raises(DescriptionError, match="it is not a file"):
        load({}, file)
