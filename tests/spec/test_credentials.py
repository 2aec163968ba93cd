"""Credential strings: every kind, near misses, places, and no secret in what is said."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitaru_iac.notices import CredentialsWarning
from kitaru_iac.spec.credentials import (
    CREDENTIAL_FORMS,
    Credentials,
    CredentialsError,
    parse_credentials,
    resolve_source,
)
from kitaru_iac.spec.kinds import Cloud

MARK = "MARKED-s3cret"
ROLE = "arn:aws:iam::123456789012:role/team/runner"
ACCOUNT = "runner@my-project.iam.gserviceaccount.com"
TENANT, CLIENT = "00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b"


def service_account(**changes: Any) -> dict[str, Any]:
    fields = (
        *("private_key_id", "client_id", "auth_uri", "token_uri"),
        *("auth_provider_x509_cert_url", "client_x509_cert_url"),
    )
    return {
        "type": "service_account",
        "project_id": "my-project",
        "private_key": MARK,
        "client_email": ACCOUNT,
        **dict.fromkeys(fields, "x"),
        **changes,
    }


def external_account(**changes: Any) -> dict[str, Any]:
    return {
        "type": "external_account",
        "audience": "//iam.googleapis.com/pool",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {"file": "/token"},
        **changes,
    }


def saved(path: Path, content: Any, mode: int = 0o600) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    path.chmod(mode)
    return path


def error_of(text: str) -> CredentialsError:
    with pytest.raises(CredentialsError) as caught:
        parse_credentials(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "cloud", "values", "secrets"),
    [
        ("implicit", None, {}, {}),
        ("aws-profile:prod", Cloud.AWS, {"profile_name": "prod"}, {}),
        (
            "aws-access-keys:AKIA1:sec:ret",
            Cloud.AWS,
            {},
            {"aws_access_key_id": "AKIA1", "aws_secret_access_key": "sec:ret"},
        ),
        (
            "aws-session-token:ASIA1:secret:to:ken==",
            Cloud.AWS,
            {},
            {
                "aws_access_key_id": "ASIA1",
                "aws_secret_access_key": "secret",
                "aws_session_token": "to:ken==",
            },
        ),
        (f"aws-role:{ROLE}", Cloud.AWS, {"role_arn": ROLE}, {}),
        (
            "aws-role:arn:aws-cn:iam::123456789012:role/runner",
            Cloud.AWS,
            {"role_arn": "arn:aws-cn:iam::123456789012:role/runner"},
            {},
        ),
        (
            f"azure-service-principal:{TENANT}:{CLIENT.upper()}:s~e:cret",
            Cloud.AZURE,
            {"tenant_id": TENANT, "client_id": CLIENT},
            {"client_secret": "s~e:cret"},
        ),
        ("azure-managed-identity", Cloud.AZURE, {}, {}),
        ("  AWS-Profile: prod ", Cloud.AWS, {"profile_name": "prod"}, {}),
    ],
)
def test_every_kind_is_understood(
    text: str, cloud: Cloud | None, values: dict[str, str], secrets: dict[str, str]
) -> None:
    found = parse_credentials(text)
    assert (found.cloud, dict(found.values), dict(found.secrets)) == (cloud, values, secrets)
    assert found.kind == text.strip().partition(":")[0].lower()


def test_a_service_accounts_key_is_read_from_its_file(tmp_path: Path) -> None:
    key = saved(tmp_path / "key.json", service_account())
    found = parse_credentials(f"gcp-service-account:{key}")
    assert found.cloud is Cloud.GCP
    assert found.values == {"client_email": ACCOUNT, "project_id": "my-project"}
    assert json.loads(found.secrets["service_account_json"]) == service_account()
    assert parse_credentials(key.read_text()) == found


def test_workload_identity_is_read_from_its_file(tmp_path: Path) -> None:
    file = saved(tmp_path / "config.json", external_account(), mode=0o644)
    found = parse_credentials(f"gcp-workload-identity:{file}")
    assert json.loads(found.secrets["external_account_json"]) == external_account()
    assert parse_credentials(file.read_text()) == found


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("not json " + MARK, "not a JSON object"),
        ([MARK], "not a JSON object"),
        (service_account(client_email=""), "client_email missing"),
        (external_account(), "gcp-workload-identity:FILE takes such a file"),
        ({"type": "authorized_user", "refresh_token": MARK}, "person's login"),
        ({"type": MARK}, "missing or unknown"),
        ("   ", "is empty"),
    ],
)
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, content: Any, expected: str) -> None:
    error = error_of(f"gcp-service-account:{saved(tmp_path / 'key.json', content)}")
    assert expected in str(error)
    assert MARK not in str(error)


def test_a_directory_and_a_binary_file_are_refused(tmp_path: Path) -> None:
    assert "cannot be read" in str(error_of(f"gcp-service-account:{tmp_path}"))
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in str(error_of(f"gcp-service-account:{tmp_path / 'binary'}"))


def test_impersonation_with_a_key(tmp_path: Path) -> None:
    key = saved(
        tmp_path / "key.json", service_account(client_email="other@p.iam.gserviceaccount.com")
    )
    found = parse_credentials(f"gcp-impersonate:{ACCOUNT}:{key}")
    assert found.values["target_principal"] == ACCOUNT
    assert found.values["source"] == "key"
    assert set(found.secrets) == {"service_account_json"}


@pytest.mark.parametrize(
    ("content", "source"),
    [
        (external_account(), "external-account"),
        (
            {
                "type": "impersonated_service_account",
                "service_account_impersonation_url": f"https://x/v1/projects/-/serviceAccounts/{ACCOUNT}:generateAccessToken",
            },
            "application-default",
        ),
    ],
)
def test_impersonation_without_a_key_takes_what_zenml_can_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: dict[str, Any], source: str
) -> None:
    file = saved(tmp_path / "adc.json", content)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    found = parse_credentials(f"gcp-impersonate:{ACCOUNT}")
    assert found.values == {"target_principal": ACCOUNT, "source": source}
    if source == "external-account":
        stored = json.loads(found.secrets["external_account_json"])
        assert (
            f"/serviceAccounts/{ACCOUNT}:generateAccessToken"
            in stored["service_account_impersonation_url"]
        )
    else:
        assert not found.secrets


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "there are none here"),
        (service_account(), "a service account's key"),
        ({"type": "authorized_user"}, "a person's login"),
        ({"type": "impersonated_service_account"}, "impersonate another account"),
    ],
)
def test_impersonation_picks_up_no_key_and_no_login_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: Any, why: str
) -> None:
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    if content is not None:
        saved(tmp_path / "application_default_credentials.json", content)
    error = error_of(f"gcp-impersonate:{ACCOUNT}")
    assert why in str(error)
    assert f"--impersonate-service-account={ACCOUNT}" in str(error.remedy)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "empty"),
        (MARK, "no known kind"),
        (f"{MARK}:{MARK}", "no known kind"),
        (f"aws-acess-keys:{MARK}:{MARK}", "Did you mean aws-access-keys:KEY:SECRET?"),
        (f"aws_access_keys:{MARK}:{MARK}", "Did you mean aws-access-keys"),
        (f"aws-access-keys:{MARK}", "SECRET missing"),
        (f"aws-access-keys::{MARK}", "KEY missing"),
        (f"aws-access-keys:ASIA{MARK}:{MARK}", "session token"),
        (f"aws-session-token:ASIA1:{MARK}", "TOKEN missing"),
        ("aws-profile:", "NAME missing"),
        (f"aws-role:{MARK}", "not the ARN of a role"),
        ("aws-role:arn:aws:iam::123456789012:user/me", "not the ARN of a role"),
        (f"aws-role:{ROLE}:{MARK}", "external id cannot be used"),
        (f"azure-service-principal:{TENANT}:{CLIENT}", "SECRET missing"),
        (f"azure-service-principal:{MARK}:{CLIENT}:{MARK}", "TENANT must be a UUID"),
        (f"azure-access-token:{MARK}", "does not open blob storage"),
        (f"azure-managed-identity:{MARK}", "AZURE_CLIENT_ID"),
        (f"implicit:{MARK}", "takes nothing after it"),
        ("gcp-service-account:", "path is missing"),
        ("gcp-service-account:/nope.json", "/nope.json does not exist"),
        (f"gcp-impersonate:{MARK}", "not the e-mail address"),
    ],
)
def test_what_is_wrong_is_said_without_secrets(text: str, expected: str) -> None:
    error = error_of(text)
    assert expected in str(error)
    assert error.what
    assert MARK not in f"{error} {error!r}"


def test_the_forms_that_are_offered_are_those_that_work() -> None:
    offered = str(error_of("nonsense").remedy)
    for kind, form in CREDENTIAL_FORMS.items():
        assert (form in offered) == (kind != "azure-access-token")


@given(secret=st.text(st.characters(codec="ascii", exclude_categories=["Cc", "Zs"]), min_size=8))
def test_no_face_of_credentials_shows_a_secret(secret: str) -> None:
    secret = f"q7{secret}7q"
    found = parse_credentials(f"aws-access-keys:AKIA0000:{secret}")
    assert found.secrets["aws_secret_access_key"] == secret
    assert secret not in f"{found} {found!r}"


def test_str_tells_whose_they_are() -> None:
    assert str(parse_credentials("aws-profile:prod")) == "aws-profile:prod"
    assert str(parse_credentials("aws-access-keys:AKIA1:secret")) == "aws-access-keys:…"
    assert str(Credentials(None, "implicit")) == "implicit"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_sources_lead_to_the_string(tmp_path: Path) -> None:
    file = saved(tmp_path / "credentials", "aws-profile:prod\n")
    assert resolve_source(f"file:{file}") == "aws-profile:prod"
    assert resolve_source("env:KEYS", environ={"KEYS": " aws-profile:prod\n"}) == "aws-profile:prod"
    assert resolve_source("-", io.StringIO("aws-profile:prod\n")) == "aws-profile:prod"
    assert resolve_source("aws-profile:prod") == "aws-profile:prod"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("env:NOT_SET", "NOT_SET is not set"),
        ("env:EMPTY", "EMPTY is empty"),
        (f"env:{MARK}", "not a variable's name"),
        ("env:", "not a variable's name"),
        ("file:/nope", "/nope does not exist"),
        ("file:", "path is missing"),
    ],
)
def test_a_source_that_leads_nowhere_is_said(text: str, expected: str) -> None:
    with pytest.raises(CredentialsError, match=expected) as caught:
        resolve_source(text, environ={"EMPTY": " "})
    assert MARK not in str(caught.value)
    assert caught.value.remedy


def test_standard_input_has_to_be_piped() -> None:
    with pytest.raises(CredentialsError, match="is a terminal"):
        resolve_source("-", Terminal("aws-profile:prod"))
    with pytest.raises(CredentialsError, match="is empty"):
        resolve_source("-", io.StringIO(" \n"))


def test_a_file_that_others_may_read_is_warned_about(tmp_path: Path) -> None:
    file = saved(tmp_path / "credentials", "aws-profile:prod", mode=0o644)
    with pytest.warns(CredentialsWarning, match=f"chmod 600 {file}"):
        assert resolve_source(f"file:{file}") == "aws-profile:prod"
