"""Credential strings, places and Google's files: each clause of each condition, and no secret told.

What every kind becomes stands in `test_credentials`; here stand the edges.
"""

from __future__ import annotations

import io
import json
import os
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.notices import CredentialsWarning
from kitaru_iac.spec.clouds.gcp import files as google_files
from kitaru_iac.spec.credentials import (
    CREDENTIAL_FORMS,
    Credentials,
    CredentialsError,
    parse_credentials,
    resolve_source,
)
from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.spec.sources import read_file

SECRET = "hunter2-SECRET"
ROLE = "arn:aws:iam::123456789012:role/team/runner"
ACCOUNT = "runner@my-project.iam.gserviceaccount.com"
TENANT, CLIENT = "abcdef01-abcd-ef01-abcd-abcdef012345", "00000000-0000-0000-0000-00000000000b"


def refused(text: str) -> CredentialsError:
    with pytest.raises(CredentialsError) as caught:
        parse_credentials(text)
    error = caught.value
    assert SECRET not in f"{error} {error.what} {error.why} {error.remedy} {error.args}"
    return error


# --- strings


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("implicit", "implicit"),
        ("Implicit: ", "implicit"),
        ("aws-profile:a:b", "aws-profile:a:b"),
        ("aws-profile : a", "aws-profile:a"),
        ("aws-access-keys:AKIA1:s", "aws-access-keys:…"),
        ("aws-session-token:ASIA1:s:t", "aws-session-token:…"),
        ("aws-session-token:AKIA1:s:t", "aws-session-token:…"),
        (f"aws-role:{ROLE}", f"aws-role:{ROLE}"),
        # a colon behind it says nothing
        (f"aws-role: {ROLE}:", f"aws-role:{ROLE}"),
        ("aws-role:arn:aws-us-gov:iam::123456789012:role/r", None),
        *((f"aws-role:{ROLE}{sign}x", None) for sign in "+=,.@-_/"),
        (
            f"azure-service-principal:{TENANT.upper()}: {CLIENT} :s",
            f"azure-service-principal:{TENANT}:{CLIENT}:…",
        ),
        ("azure-managed-identity:", "azure-managed-identity"),
    ],
)
def test_a_string_shows_who_it_is_and_no_more(text: str, shown: str | None) -> None:
    assert str(parse_credentials(text)) == (shown or text)


@pytest.mark.parametrize(
    ("values", "secrets", "text"),
    [
        ({}, {}, "k"),
        ({"profile_name": "p", "other": "o"}, {}, "k:p"),
        ({"client_id": "c", "tenant_id": "t"}, {"s": SECRET}, "k:t:c:…"),
        ({"client_email": "e", "target_principal": "a", "source": "key"}, {"s": SECRET}, "k:a:e:…"),
        ({}, {"s": SECRET, "t": SECRET}, "k:…"),
    ],
)
def test_the_order_in_which_they_are_shown(
    values: dict[str, str], secrets: dict[str, Any], text: str
) -> None:
    assert str(Credentials(None, "k", values, secrets)) == text


@pytest.mark.parametrize(
    ("text", "what", "why", "remedy"),
    [
        ("  ", "The credentials are empty", None, "Write one of aws-profile:NAME, "),
        (SECRET, "The credentials are of no known kind", None, "Write one of aws-profile:NAME, "),
        # what is not nearly a kind may be the secret
        *(
            (text, "The credentials are of no known kind", None, "Write one of aws-profile:NAME, ")
            for text in (f"aws:{SECRET}", f"gcp-key-{SECRET}:x")
        ),
        (
            "aws-profil:x",
            "There are no credentials of kind 'aws-profil'",
            None,
            "Did you mean aws-profile:NAME?",
        ),
        ("aws-profile", "aws-profile: NAME missing", None, "Write aws-profile:NAME."),
        ("aws-profile: ", "aws-profile: NAME missing", None, "Write aws-profile:NAME."),
        (
            "aws-access-keys",
            "aws-access-keys: KEY, SECRET missing",
            None,
            "Write aws-access-keys:KEY:SECRET.",
        ),
        (
            f"aws-access-keys: :{SECRET}",
            "aws-access-keys: KEY missing",
            None,
            "Write aws-access-keys:KEY:SECRET.",
        ),
        (
            f"aws-access-keys:{SECRET}: ",
            "aws-access-keys: SECRET missing",
            None,
            "Write aws-access-keys:KEY:SECRET.",
        ),
        (
            f"aws-access-keys:ASIA1:{SECRET}",
            "The access key is a temporary one (it begins with ASIA)",
            "A temporary key is refused without its session token",
            "Write aws-session-token:KEY:SECRET:TOKEN.",
        ),
        (
            f"aws-session-token:K::{SECRET}",
            "aws-session-token: SECRET missing",
            None,
            "Write aws-session-token:KEY:SECRET:TOKEN.",
        ),
        (
            f"aws-session-token:{SECRET}:{SECRET}",
            "aws-session-token: TOKEN missing",
            None,
            "Write aws-session-token:KEY:SECRET:TOKEN.",
        ),
        (
            f"azure-service-principal::{SECRET}:{SECRET}",
            "azure-service-principal: TENANT missing",
            None,
            "Write azure-service-principal:TENANT:CLIENT:SECRET.",
        ),
        (
            f"azure-service-principal:{SECRET}::{SECRET}",
            "azure-service-principal: CLIENT missing",
            None,
            "Write azure-service-principal:TENANT:CLIENT:SECRET.",
        ),
        (
            f"azure-service-principal:{TENANT}:{CLIENT}:",
            "azure-service-principal: SECRET missing",
            None,
            "Write azure-service-principal:TENANT:CLIENT:SECRET.",
        ),
        *(
            (
                f"azure-service-principal:{tenant}:{client}:{SECRET}",
                f"azure-service-principal: {wrong} must be a UUID",
                "ZenML's Azure connector takes ids, not names",
                "`az ad sp list --display-name NAME",
            )
            for tenant, client, wrong in (
                (SECRET, CLIENT, "TENANT"),
                (TENANT, SECRET, "CLIENT"),
                (SECRET, SECRET, "TENANT and CLIENT"),
                (f"{TENANT}0", CLIENT, "TENANT"),
                (TENANT, f"x{CLIENT}", "CLIENT"),
                (TENANT[:-1], CLIENT, "TENANT"),
            )
        ),
        (
            "azure-access-token:",
            "azure-access-token: TOKEN missing",
            None,
            "Write azure-access-token:TOKEN.",
        ),
        (
            f"azure-access-token:{SECRET}",
            "azure-access-token: an access token cannot be used for a stack",
            "An Azure access token does not open blob storage",
            "Use azure-service-principal:TENANT:CLIENT:SECRET or azure-managed-identity.",
        ),
        (
            f"azure-managed-identity:{SECRET}",
            "azure-managed-identity takes nothing after it",
            "ZenML's Azure connector has no field for an identity's client id",
            "Write azure-managed-identity alone.",
        ),
        (f"implicit:{SECRET}", "implicit takes nothing after it", None, "Write implicit alone."),
        *(
            (
                f"aws-role:{arn}",
                "aws-role: what follows is not the ARN of a role",
                None,
                "Write aws-role:arn:aws:iam::123456789012:role/NAME.",
            )
            for arn in (
                "",
                SECRET,
                f"x{ROLE}",
                "arn:aws:iam::123456789012:role/",
                "arn:aws:iam::12345678901:role/r",
                "arn:aws:iam::1234567890123:role/r",
                "arn:aws:iam::123456789012:user/r",
                "arn:aws:sts::123456789012:assumed-role/r/s",
                "arn:AWS:iam::123456789012:role/r",
                "arn:aws:iam::123456789012:role/ä",
            )
        ),
        (
            f"aws-role:{ROLE}:{SECRET}",
            "aws-role: the external id cannot be used",
            "ZenML's AWS connector assumes roles without an external id",
            "Where the store's process runs, put a profile with role_arn",
        ),
        *(
            (
                f"aws-role:{ROLE}{after}{SECRET}",
                "aws-role: what follows the role's ARN is not understood",
                None,
                "Write aws-role:ARN.",
            )
            for after in ("#", " ", "?:")
        ),
        *(
            (
                f"gcp-impersonate:{account}",
                "gcp-impersonate: what follows is not the e-mail address of a service account",
                None,
                "Write gcp-impersonate:NAME@PROJECT.iam.gserviceaccount.com.",
            )
            for account in (
                "",
                SECRET,
                "me@example.com",
                "@my-project.iam.gserviceaccount.com",
                "me@gserviceaccount.com",
                f"{ACCOUNT}.example",
                f"x {ACCOUNT}",
                "Me@my-project.iam.gserviceaccount.com",
            )
        ),
        *(
            (f"{kind}:", "The path is missing", None, f"Write {CREDENTIAL_FORMS[kind]}.")
            for kind in ("gcp-service-account", "gcp-workload-identity")
        ),
    ],
)
def test_what_is_wrong_with_a_string(text: str, what: str, why: str | None, remedy: str) -> None:
    error = refused(text)
    assert error.what == what
    assert (error.why is None) is (why is None)
    assert (error.why or "").startswith(why or "")
    assert (error.remedy or "").startswith(remedy)
    parts = [part for part in (error.what, error.why, error.remedy) if part]
    assert str(error) == ". ".join(parts)


@pytest.mark.parametrize(
    "account",
    [
        ACCOUNT,
        "123-compute@developer.gserviceaccount.com",
        "a@b2.example.com.iam.gserviceaccount.com",
    ],
)
def test_an_account_may_be_of_any_project(
    account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    error = refused(f"gcp-impersonate:{account}:")
    assert error.what == f"gcp-impersonate: nothing that ZenML can store impersonates {account}"


# --- Google's files


SERVICE_FIELDS = (
    *("type", "project_id", "private_key_id", "private_key", "client_email", "client_id"),
    *("auth_uri", "token_uri", "auth_provider_x509_cert_url", "client_x509_cert_url"),
)
EXTERNAL_FIELDS = ("type", "subject_token_type", "token_url")


def key(**changes: Any) -> dict[str, Any]:
    made = {**dict.fromkeys(SERVICE_FIELDS, SECRET), "type": "service_account"}
    return {**made, "client_email": ACCOUNT, "project_id": "my-project", **changes}


def external(**changes: Any) -> dict[str, Any]:
    return {**dict.fromkeys(EXTERNAL_FIELDS, "x"), "type": "external_account", **changes}


@pytest.mark.parametrize("name", SERVICE_FIELDS[1:])
@pytest.mark.parametrize("gone", [None, "", "absent"])
def test_every_field_of_a_key_is_needed(name: str, gone: str | None) -> None:
    content = key(**{name: gone})
    if gone == "absent":
        del content[name]
    error = refused(json.dumps(content))
    assert error.what == f"The credentials: {name} missing"
    assert error.why == "ZenML's GCP connector demands them"
    assert error.remedy == "Give the file as Google made it."


@pytest.mark.parametrize("name", EXTERNAL_FIELDS[1:])
def test_every_field_of_an_external_account_is_needed(name: str) -> None:
    assert refused(json.dumps(external(**{name: None}))).what == f"The credentials: {name} missing"


def test_what_is_missing_is_named_together() -> None:
    what = "The credentials: private_key_id, token_uri missing"
    assert refused(json.dumps(key(token_uri="", private_key_id=""))).what == what


@pytest.mark.parametrize(
    ("content", "what", "why"),
    [
        (
            {"type": "authorized_user", "refresh_token": SECRET},
            "is 'authorized_user'",
            "A person's login cannot be stored in a stack",
        ),
        (
            {"type": "impersonated_service_account"},
            "is 'impersonated_service_account'",
            "gcp-impersonate:ACCOUNT takes an impersonation",
        ),
        ({"type": SECRET}, "is missing or unknown", None),
        ({"token": SECRET}, "is missing or unknown", None),
        ({"type": None}, "is missing or unknown", None),
    ],
)
def test_a_file_of_another_type_is_named_by_it(
    content: dict[str, Any], what: str, why: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "file.json"
    file.write_text(json.dumps(content))
    file.chmod(0o600)
    for text, where, wanted in (
        (json.dumps(content), "The credentials", "service_account"),
        (f"gcp-service-account:{file}", str(file), "service_account"),
        (f"gcp-workload-identity:{file}", str(file), "external_account"),
    ):
        error = refused(text)
        assert (error.what, error.why) == (f"{where}: its type {what} and not {wanted!r}", why)


def test_each_file_has_its_kind(tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    file.write_text(json.dumps(external()))
    assert refused(f"gcp-service-account:{file}").why == (
        "gcp-workload-identity:FILE takes such a file"
    )
    file.write_text(json.dumps(key()))
    assert refused(f"gcp-workload-identity:{file}").why == (
        "gcp-service-account:FILE takes a service account's key"
    )


@pytest.mark.parametrize(
    ("kind", "content", "warned"),
    [("gcp-service-account", key(), True), ("gcp-workload-identity", external(), False)],
)
def test_only_a_key_is_a_secret_that_others_must_not_read(
    kind: str, content: dict[str, Any], warned: bool, tmp_path: Path
) -> None:
    file = tmp_path / "file.json"
    file.write_text(json.dumps(content))
    file.chmod(0o644)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        made = parse_credentials(f"{kind}: {file} ")
    assert made.kind == kind
    assert bool(said) is warned


@pytest.mark.parametrize("text", ["{", f'{{"a": "{SECRET}', f'{{"a": {SECRET}}}'])
def test_what_is_no_json_is_not_repeated_even_by_what_caused_it(text: str) -> None:
    error = refused(text)
    assert error.what == "The credentials: not a JSON object"
    assert error.remedy == "Give Google's file as it is."
    assert (error.__cause__, error.__context__) == (None, None)


def test_a_key_and_an_external_account_may_stand_in_the_string_itself() -> None:
    made = parse_credentials(f"  {json.dumps(key())}\n")
    assert (made.cloud, made.kind) == (Cloud.GCP, "gcp-service-account")
    assert made.values == {"client_email": ACCOUNT, "project_id": "my-project"}
    assert str(made) == f"gcp-service-account:{ACCOUNT}:…"
    other = parse_credentials(json.dumps(external()))
    assert (other.cloud, other.kind, other.values) == (Cloud.GCP, "gcp-workload-identity", {})
    assert SECRET not in f"{made} {made!r} {other!r}"


OTHERS = "other@my-project.iam.gserviceaccount.com"


def impersonation(account: str) -> dict[str, Any]:
    url = f"https://x/v1/projects/-/serviceAccounts/{account}:generateAccessToken"
    return {"type": "impersonated_service_account", "service_account_impersonation_url": url}


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, "there are none here"),
        ({"type": "authorized_user"}, "those here are a person's login"),
        (key(), "those here are a service account's key"),
        (impersonation(OTHERS), "those here impersonate another account"),
        (impersonation(f"x{ACCOUNT}"), "those here impersonate another account"),
        (impersonation(f"{ACCOUNT}.example"), "those here impersonate another account"),
        ({"type": "impersonated_service_account"}, "those here impersonate another account"),
        ({**impersonation(ACCOUNT), "type": "gdch"}, "those here are of another kind"),
    ],
)
def test_what_impersonates_nobody_is_not_taken(
    content: Any, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    if content is not None:
        file = tmp_path / "application_default_credentials.json"
        file.write_text(json.dumps(content))
    error = refused(f"gcp-impersonate:{ACCOUNT}")
    assert (error.why or "").endswith(f", and {found}")
    assert f"gcp-impersonate:{ACCOUNT}:/path/key.json" in (error.remedy or "")


def test_what_impersonates_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "adc.json"
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    file.write_text(json.dumps(impersonation(ACCOUNT)))
    made = parse_credentials(f"gcp-impersonate: {ACCOUNT} ")
    assert made == Credentials(
        Cloud.GCP,
        "gcp-impersonate",
        {"target_principal": ACCOUNT, "source": "application-default"},
    )

    file.write_text(json.dumps(external(service_account_impersonation_url="another")))
    made = parse_credentials(f"gcp-impersonate:{ACCOUNT}")
    assert made.values == {"target_principal": ACCOUNT, "source": "external-account"}
    assert json.loads(made.secrets["external_account_json"]) == external(
        service_account_impersonation_url="https://iamcredentials.googleapis.com/v1/projects/-/"
        f"serviceAccounts/{ACCOUNT}:generateAccessToken"
    )

    file.write_text(json.dumps(external(token_url="")))
    what = "The application default credentials: token_url missing"
    assert refused(f"gcp-impersonate:{ACCOUNT}").what == what


def test_impersonation_by_a_key_says_both_accounts(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    file.write_text(json.dumps(key(client_email=OTHERS)))
    file.chmod(0o600)
    made = parse_credentials(f"gcp-impersonate:{ACCOUNT}: {file}")
    assert made.values == {
        "client_email": OTHERS,
        "project_id": "my-project",
        "target_principal": ACCOUNT,
        "source": "key",
    }
    assert (made.cloud, made.kind, list(made.secrets)) == (
        *(Cloud.GCP, "gcp-impersonate"),
        ["service_account_json"],
    )


def test_where_the_application_default_credentials_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert google_files.application_default() == {}
    at_home = tmp_path / ".config/gcloud"
    at_home.mkdir(parents=True)
    (at_home / "application_default_credentials.json").write_text('{"at": "home"}')
    assert google_files.application_default() == {"at": "home"}

    configured = tmp_path / "configured"
    configured.mkdir()
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(configured))
    assert google_files.application_default() == {}
    (configured / "application_default_credentials.json").write_text('{"at": "configured"}')
    assert google_files.application_default() == {"at": "configured"}

    explicit = tmp_path / "explicit.json"
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(explicit))
    with pytest.raises(CredentialsError, match="does not exist"):
        google_files.application_default()
    explicit.write_text('{"at": "explicit"}')
    explicit.chmod(0o644)  # whoever may read it, it is not ours to say
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert google_files.application_default() == {"at": "explicit"}


# --- places


def unresolved(text: str, **how: Any) -> CredentialsError:
    with pytest.raises(CredentialsError) as caught:
        resolve_source(text, **how)
    error = caught.value
    assert SECRET not in f"{error} {error.what} {error.why} {error.remedy}"
    return error


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (" env:A ", "a"),
        ("env: A", "a"),
        ("env:_b1", "b"),
        ("env:", None),
        # what names no place is the string itself
        ("env", "env"),
        ("file", "file"),
        ("ENV:A", "ENV:A"),
        ("envy:A", "envy:A"),
        (" aws-profile:x ", "aws-profile:x"),
        ("--", "--"),
        ("", ""),
    ],
)
def test_the_place_is_a_word_in_lower_case_before_a_colon(text: str, found: str | None) -> None:
    environ = {"A": " a\n", "_b1": "b"}
    if found is None:
        assert unresolved(text, environ=environ).what == (
            "What follows `env:` is not a variable's name"
        )
    else:
        assert resolve_source(text, environ=environ) == found


@pytest.mark.parametrize("name", ["1A", "A-B", "A.B", "A B", "$A", "ä", f"{SECRET}"])
def test_what_is_no_variable_s_name_may_be_the_secret(name: str) -> None:
    error = unresolved(f"env:{name}", environ={name: "x"})
    assert error.what == "What follows `env:` is not a variable's name"
    assert (error.remedy or "").startswith("Write env:NAME")


def test_a_variable_that_is_not_there_or_empty() -> None:
    error = unresolved("env:A", environ={})
    assert (error.what, error.remedy) == (
        *("The environment variable A is not set", "Set and export A."),
    )
    error = unresolved("env:A", environ={"A": " \n"})
    assert (error.what, error.remedy) == (
        *("The environment variable A is empty", "Put the credentials into A."),
    )


def test_this_process_s_own_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RULES_TEST", "aws-profile:x")
    assert resolve_source("env:RULES_TEST") == "aws-profile:x"
    monkeypatch.setattr("sys.stdin", io.StringIO(" aws-profile:y \n"))
    assert resolve_source(" - ") == "aws-profile:y"
    assert resolve_source("-", io.StringIO("aws-profile:z")) == "aws-profile:z"


def test_a_file_holds_the_string_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "keys"
    file.write_text("\n aws-profile:x \n")
    file.chmod(0o600)
    assert resolve_source(f"file: {file} ") == "aws-profile:x"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve_source("file:~/keys") == "aws-profile:x"
    # for a key's own file the text stays as it is
    assert read_file(str(file), "FORM", private=True) == "\n aws-profile:x \n"


@pytest.mark.parametrize(
    ("content", "what", "why", "remedy"),
    [
        (None, "does not exist", None, "Correct the path."),
        (b"", "is empty", None, "Put the credentials into it."),
        (b" \n", "is empty", None, "Put the credentials into it."),
        (b"\xff", "cannot be read", "it is not UTF-8 text", "Correct the path."),
    ],
)
def test_a_file_that_holds_none(
    content: bytes | None, what: str, why: str | None, remedy: str, tmp_path: Path
) -> None:
    file = tmp_path / "keys"
    if content is not None:
        file.write_bytes(content)
    error = unresolved(f"file:{file}")
    assert error.what == f"The credentials file {file} {what}"
    assert (error.why, error.remedy) == (why, remedy)


@pytest.mark.parametrize("kind", ["file", "gcp-service-account", "gcp-workload-identity"])
def test_a_key_in_place_of_a_path_is_not_repeated(kind: str) -> None:
    key = json.dumps({"private_key": SECRET})
    with pytest.raises(CredentialsError) as refused:
        parse_credentials(resolve_source(f"{kind}:{key}"))
    assert SECRET not in str(refused.value)
    assert refused.value.remedy


def test_what_has_no_end_or_no_writer_is_no_file(tmp_path: Path) -> None:
    """An agent may name any path; a pipe is what a shell makes of `<(command)`, at a terminal."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero"), Path("/dev/null")):
        assert unresolved(f"file:{path}").why == "It is not a file"
    large = tmp_path / "large"
    large.write_bytes(b"x" * ((64 << 10) + 1))
    assert unresolved(f"file:{large}").why == "It is larger than 64 KiB"
    writer = threading.Thread(target=lambda: pipe.write_text("aws-profile:x"))
    writer.start()
    assert resolve_source(f"file:{pipe}", pipes=True) == "aws-profile:x"
    writer.join()
    with pytest.raises(CredentialsError, match="It is not a file"):
        resolve_source("file:/dev/zero", pipes=True)


def test_a_path_that_is_none(tmp_path: Path) -> None:
    assert unresolved("file: ").remedy == "Write file:PATH."
    error = unresolved(f"file:{tmp_path}")
    assert (error.what, error.why) == (
        f"The credentials file {tmp_path} cannot be read",
        "Is a directory",
    )
    with pytest.raises(CredentialsError, match="cannot be read"):
        resolve_source("file:a\x00b")


@pytest.mark.parametrize(
    ("mode", "private", "warned"),
    [
        (0o600, True, False),
        (0o700, True, False),
        (0o610, True, False),
        (0o601, True, False),
        (0o622, True, False),
        # each of the two bits by itself
        (0o640, True, True),
        (0o604, True, True),
        (0o644, True, True),
        (0o644, False, False),
    ],
)
def test_others_who_may_read_it_are_warned_about(
    mode: int, private: bool, warned: bool, tmp_path: Path
) -> None:
    file = tmp_path / "keys"
    file.write_text(f"aws-access-keys:AKIA1:{SECRET}")
    file.chmod(mode)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert SECRET in read_file(str(file), "FORM", private=private)
    assert [one.category for one in said] == ([CredentialsWarning] if warned else [])
    assert all(f"Run `chmod 600 {file}`." in str(one.message) for one in said)
    assert not any(SECRET in str(one.message) for one in said)


def test_standard_input_that_is_no_pipe_or_empty() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    error = unresolved("-", stdin=Terminal(SECRET))
    assert error.what == "`-` reads credentials from standard input, and that is a terminal"
    assert (error.remedy or "").startswith("Pipe them in")
    error = unresolved("-", stdin=io.StringIO(" \n"))
    assert error.what == "Standard input, where `-` reads credentials, is empty"
    assert error.remedy == "Pipe the credential string in."
