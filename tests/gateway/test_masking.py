from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from typing import Any

import pytest

from kitaru_iac.gateway.masking import MASK, masked
from tests.gateway.secret_texts import HARMLESS, MAPPINGS, SECRETS, TEXTS
from tests.homes import Home

#: ZenML marks these so that they may refer to a secret; they identify, and open nothing.
_IDENTIFIERS = {
    "api_endpoint",
    "client_id",
    "client_username",
    "databricks_client_id",
    "encryption_spec_key_name",
    "service_principal_id",
    "tenant_id",
    "token_id",
    "tracking_username",
    "user_id",
}


@pytest.mark.parametrize(
    "key", ["password", "DB_PASSWORD", "dbPassword", "HF_TOKEN", "secret", "aws_secret_access_key"]
)
def test_a_secret_is_hidden(key: str) -> None:
    assert masked({key: "hunter2"}) == {key: MASK}


def test_it_is_hidden_deep_down() -> None:
    assert masked({"a": {"token": "x", "keys": [{"api_key": "y"}]}, "token": ["z"]}) == {
        "a": {"token": MASK, "keys": [{"api_key": MASK}]},
        "token": [MASK],
    }


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("token", "{{slack.token}}"),
        ("authentication_secret", "name-of-a-secret"),
        ("secret_name", "s"),
        ("image_pull_secrets", ["regcred"]),
        ("pass_zenml_token_as_secret", True),
        ("verify_host_key", "yes"),
        ("password", None),
        ("token", ""),
        ("path", "s3://bucket"),
    ],
)
def test_what_is_no_secret_is_shown(key: str, value: object) -> None:
    assert masked({key: value}) == {key: value}


def test_what_the_flavors_of_zenml_mark_as_sensitive_is_hidden(template_home: Home) -> None:
    with closing(sqlite3.connect(template_home.database)) as db:
        schemas = [json.loads(row[0]) for row in db.execute("SELECT config_schema FROM flavor")]
    sensitive = {
        field
        for schema in schemas
        for field, described in schema.get("properties", {}).items()
        if described.get("sensitive")
    }
    assert len(sensitive) > 15
    shown = {field for field in sensitive if masked({field: "x"})[field] == "x"}
    assert shown <= _IDENTIFIERS


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("user:REG@reg.example.com", f"{MASK}@reg.example.com"),
        ("http://user:pw@h:1/", f"http://{MASK}@h:1/"),
        ("https://tok@h/x", f"https://{MASK}@h/x"),
        ("mysql://root:p@ss@h/db", f"mysql://{MASK}@h/db"),
        ("http://user:p/w@h", f"http://{MASK}@h"),
        ("see http://u:p@h/ there", f"see http://{MASK}@h/ there"),
    ],
)
def test_the_login_of_an_address_is_not_shown(value: str, shown: str) -> None:
    assert masked({"uri": value, "deep": [{"endpoint_url": value}]}) == {
        "uri": shown,
        "deep": [{"endpoint_url": shown}],
    }


@pytest.mark.parametrize(
    "value",
    [
        "abfs://data@account.dfs.core.windows.net/path",
        "python:3.12@sha256:0123",
        "registry.example.com/team/image:1@sha256:0123",
        "somebody@example.com",
        "git@github.com:o/r.git",
        "s3://bucket/a:b@c",
        "arn:aws:iam::123456789012:role/x",
    ],
)
def test_what_only_looks_like_a_login_is_shown(value: str) -> None:
    assert masked({"uri": value}) == {"uri": value}


def test_an_environment_variable_is_a_secret_by_its_name() -> None:
    env = [{"name": "API_KEY", "value": "x"}, {"name": "MODE", "value": "fast"}]
    assert masked({"env": env})["env"] == [{"name": "API_KEY", "value": MASK}, env[1]]
    assert masked({"name": "my_token", "type": "local"}) == {"name": "my_token", "type": "local"}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_secret_inside_a_text_is_hidden(text: str) -> None:
    hidden = masked({"field": text})
    assert MASK in hidden["field"]
    assert not any(secret in str(hidden) for secret in SECRETS), hidden
    assert masked(hidden) == hidden, "drift compares what was masked twice"


@pytest.mark.parametrize("fields", MAPPINGS, ids=str)
def test_a_secret_that_its_neighbours_tell_is_hidden(fields: dict[str, Any]) -> None:
    hidden = masked(fields)
    assert not any(secret in str(hidden) for secret in (*SECRETS, "12345678")), hidden
    assert masked(hidden) == hidden


@pytest.mark.parametrize("value", HARMLESS, ids=str)
def test_a_text_without_a_secret_is_shown_as_it_is(value: object) -> None:
    assert masked({"field": value}) == {"field": value}


@pytest.mark.parametrize(
    "text",
    [
        "a," * 10_000 + "@",
        "x:" * 10_000 + "@",
        "a:b@" * 5_000,
        "password: |\n" + " a\n" * 5_000,
        "password:\n" * 1_000,
        'key:\\"' * 4_000,
        "-----BEGIN PRIVATE KEY-----" * 600,
    ],
    ids=lambda text: text[:12],
)
def test_no_text_takes_long(text: str) -> None:
    begun = time.thread_time()
    masked({"field": text})
    assert time.thread_time() - begun < 2
