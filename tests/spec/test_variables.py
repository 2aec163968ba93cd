"""`${env:NAME}`: where it may stand, what is refused, and that no secret comes in by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from kitaru_iac import redaction
from kitaru_iac.errors import DescriptionError
from kitaru_iac.spec import json_schema, load, to_mapping, variables
from kitaru_iac.spec.document import Document
from kitaru_iac.spec.variables import expanded

SECRET = "hunter2hunter2"


def of(data: dict[str, Any], **environ: str) -> dict[str, Any]:
    found = expanded(Document("stack.yaml", data, {"region": 2}), environ)
    assert not found.problems, found.problems
    return found.data


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${env:STAGE}", "dev"),
        ("s3://data-${env:STAGE}/${env:STAGE}", "s3://data-dev/dev"),
        ("$${env:STAGE}", "${env:STAGE}"),
        ("$${evn:STAGE}", "${evn:STAGE}"),
        ("a$${env:STAGE}${env:STAGE}", "a${env:STAGE}dev"),
        # What others write so is theirs.
        ("${{ github.sha }}", "${{ github.sha }}"),
        ("${STAGE}", "${STAGE}"),
        ("$STAGE", "$STAGE"),
        ("${secrets:a}", "${secrets:a}"),
        ("{{name.key}}", "{{name.key}}"),
    ],
)
def test_a_text_and_what_it_becomes(text: str, expected: str) -> None:
    assert of({"region": text}, STAGE="dev") == {"region": expected}
    nested = {"extra": {"orchestrator": {"a": [{"b": text}]}}}
    assert of(nested, STAGE="dev") == {"extra": {"orchestrator": {"a": [{"b": expected}]}}}


def test_a_value_is_not_looked_into_again() -> None:
    assert of({"region": "${env:A}"}, A="${env:B}") == {"region": "${env:B}"}


REFUSED: dict[str, tuple[str, dict[str, str], str, str]] = {
    "missing": ("region", {}, "${env:STAGE}", "the environment variable STAGE is not set"),
    "empty": ("region", {"STAGE": " "}, "${env:STAGE}", "the environment variable STAGE is empty"),
    "no-name": ("region", {}, "${env:}", "no variable's name"),
    "bad-name": ("region", {}, "${env:a-b}", "no variable's name"),
    "open": ("region", {"A": "b"}, "${env:A", "no variable's name"),
    "mistyped": ("region", {"A": "b"}, "${evn:A}", "`evn` is no place of a value"),
    "upper": ("region", {"A": "b"}, "${ENV:A}", "`ENV` is no place of a value"),
    "name": ("name", {"A": "b"}, "x-${env:A}", "name takes no variable"),
    "type": ("type", {"A": "local"}, "${env:A}", "type takes no variable"),
    "credentials": ("credentials", {"A": SECRET}, "${env:A}", "credentials takes no variable"),
    "ignored": ("ignore_changes", {"A": "b"}, "labels.${env:A}", "takes no variable"),
    "token": ("region", {"GITHUB_TOKEN": SECRET}, "${env:GITHUB_TOKEN}", "a secret, by its name"),
    "key": (
        "region",
        {"AWS_SECRET_ACCESS_KEY": SECRET},
        "${env:AWS_SECRET_ACCESS_KEY}",
        "a secret, by its name",
    ),
    "password": ("region", {"DB_PASSWORD": SECRET}, "${env:DB_PASSWORD}", "a secret, by its name"),
    "value": ("region", {"A": f"aws-access-keys:K:{SECRET}"}, "${env:A}", "looks like a secret"),
    "url": ("region", {"A": f"https://me:{SECRET}@x"}, "${env:A}", "looks like a secret"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_says_where_and_shows_no_secret(case: str) -> None:
    key, environ, text, said = REFUSED[case]
    document = expanded(Document("stack.yaml", {key: text}, {key: 7}), environ)
    (problem,) = document.problems
    assert said in problem.what
    assert problem.source == "stack.yaml:7"
    assert SECRET not in str(problem)
    assert SECRET not in str(document.data)


@pytest.mark.parametrize(
    "name", ["MONKEY", "KEYBOARD", "TOKENIZER", "STAGE", "AWS_REGION", "KEY_NAME", "PATH"]
)
def test_a_name_that_only_looks_so_is_none(name: str) -> None:
    assert of({"region": f"${{env:{name}}}"}, **{name: "x"}) == {"region": "x"}


def test_all_problems_at_once_and_once_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("A", raising=False)
    file = tmp_path / "stack.yaml"
    file.write_text("name: n${env:A}\nregion: ${env:A}\nlabels:\n  team: ${env:A}\n  x: 3\n")
    with pytest.raises(DescriptionError) as caught:
        load({}, file)
    assert [f"{p.source}".rpartition(":")[2] for p in caught.value.problems] == ["1", "2", "4", "5"]
    monkeypatch.setenv("A", "b")
    file.write_text("name: n\nlabels:\n  team: ${env:A}\n")
    assert to_mapping(load({}, file))["labels"] == {"team": "b"}


@pytest.mark.parametrize(
    ("keys", "valid"),
    [
        ({"artifact_store": "s3://data-${env:STAGE}", "region": "${env:R}"}, True),
        ({"container_registry": "${env:R}", "infra": "${env:MODE}"}, True),
        ({"labels": {"team": "${env:T}"}}, True),
        ({"type": "${env:T}"}, False),
        ({"ignore_changes": ["labels.${env:T}"]}, False),
        ({"container_registry": "${nev:R}"}, False),
    ],
)
def test_the_schema_knows_where_one_may_stand(keys: dict[str, Any], valid: bool) -> None:
    eks = {"name": "prod", "type": "kubernetes", "cluster": "c", "region": "eu-west-1"}
    eks |= {"artifact_store": "s3://data", "container_registry": "host.example.com"}
    checker = jsonschema.Draft7Validator(json_schema())
    assert checker.is_valid(eks | keys) is valid


@pytest.mark.parametrize(
    "name",
    [
        *("MYPASS", "X_PGPASS", "DB_PWD", "MYSQL_PWD", "X_DB_CREDS", "X_SAS", "SENTRY_DSN"),
        *("X_CONNECTION_STRING", "X_AUTH_HEADER", "DB_PASSWD_1"),
    ],
)
def test_a_name_of_a_secret_is_known_by_its_end(name: str) -> None:
    assert variables._SECRET_NAME.search(name)


@pytest.mark.parametrize("name", ["PWD", "HOME", "REGION", "PASSENGER", "KEY_COUNT", "SASSY"])
def test_another_name_is_none_of_a_secret(name: str) -> None:
    assert not variables._SECRET_NAME.search(name)


@pytest.mark.parametrize(
    "value",
    [
        # Put together here, so that nobody takes them for real ones.
        "sk_" + "live_51H8abcdefghijklmnopqrst",
        "sk-" + "proj-abcdefghijklmnopqrstuvwxyz0123456789",
        "xox" + "b-123456789012-abcdefghijkl",
        "hf_" + "abcdefghijklmnopqrstuvwxyzABCDEFGH",
    ],
)
def test_a_value_that_begins_as_keys_do_is_a_secret(value: str) -> None:
    assert redaction.value(value) != value
    assert value not in redaction.text(f"it said {value}, and no more")
