"""A problem that shows only when an account was asked has the place of what it is about too."""

from __future__ import annotations

from pathlib import Path

import pytest

from kitaru_iac.errors import DescriptionError, Problem
from kitaru_iac.stacks import operations
from tests.cli.conftest import Kitaru

FILE = """\
name: prod
type: sagemaker
region: eu-west-1
infra: provision
infrastructure:
  kms_key: arn:aws:kms:eu-west-1:123456789012:key/1
  tags:
    team: ml
"""
KEY, TAG = "infrastructure.kms_key", "infrastructure.tags.team"
OTHER_KEY = "kms_key=arn:aws:kms:eu-west-1:123456789012:key/2"


@pytest.mark.parametrize(
    ("field", "options", "place"),
    [
        (KEY, (), "{file}:6"),
        (TAG, (), "{file}:8"),
        ("infrastructure.permissions_boundary", (), "{file}:5"),
        ("execution_role", (), "{file}"),
        ("region", ("--region", "eu-west-1"), "--region"),
        ("region", (), "{file}:3"),
        (KEY, ("--infrastructure", OTHER_KEY), "--infrastructure"),
    ],
)
@pytest.mark.parametrize("command", ["create", "apply"])
def test_it_has_the_place_of_its_value(
    kitaru: Kitaru,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    command: str,
    field: str,
    options: tuple[str, ...],
    place: str,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise DescriptionError([Problem(field, "no"), Problem("name", "x", source="elsewhere")])

    monkeypatch.setattr(operations, command, refuse)
    file = tmp_path / "stack.yaml"
    file.write_text(FILE)
    told = kitaru("stack", command, "-f", str(file), *options, "--yes", "-o", "json")
    first, second = told.error["problems"]
    assert first["source"].startswith(place.format(file=file)), first
    assert second["source"] == "elsewhere"


def test_what_was_read_from_standard_input_is_not_read_again(
    kitaru: Kitaru, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise DescriptionError([Problem(KEY, "no")])

    monkeypatch.setattr(operations, "apply", refuse)
    told = kitaru("stack", "apply", "-f", "-", "--yes", "-o", "json", input=FILE)
    assert [problem["field"] for problem in told.error["problems"]] == [KEY]
