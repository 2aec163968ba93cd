"""Google Cloud's kinds of credential strings, and the files that may stand in their place."""

from __future__ import annotations

import json
from collections.abc import Mapping

from kitaru_iac.patterns import compiled
from kitaru_iac.redaction import SecretText
from kitaru_iac.spec.clouds.forms import CredentialKind, Credentials
from kitaru_iac.spec.clouds.gcp import files
from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.spec.sources import CredentialsError, read_file

__all__ = ["CREDENTIALS", "read_file_content"]

_ACCOUNT = compiled(r"[a-z0-9-]+@[a-z0-9.:-]+\.gserviceaccount\.com")
_KEY_FORM = "gcp-service-account:/path/key.json"


def read_file_content(text: str) -> Credentials:
    """Understand the content of a service account's key or of an external account's file.

    Raises:
        CredentialsError: It is neither, or ZenML cannot take it.
    """
    content = files.load(text, "The credentials")
    if content.get("type") == "external_account":
        return _external_account(content, "The credentials")
    return _service_account(content, "The credentials")


def _key(path: str) -> Credentials:
    text = read_file(path, _KEY_FORM, private=True)
    return _service_account(files.load(text, path), path)


def _key_kind(kind: CredentialKind, rest: str) -> Credentials:
    del kind
    return _key(rest.strip())


def _workload_identity(kind: CredentialKind, rest: str) -> Credentials:
    path = rest.strip()
    text = read_file(path, kind.form, private=False)
    return _external_account(files.load(text, path), path)


def _impersonate(kind: CredentialKind, rest: str) -> Credentials:
    account, _, path = (part.strip() for part in rest.partition(":"))
    if not _ACCOUNT.fullmatch(account):
        raise CredentialsError(
            f"{kind.name}: what follows is not the e-mail address of a service account",
            remedy="Write gcp-impersonate:NAME@PROJECT.iam.gserviceaccount.com.",
        )
    if path:
        key = _key(path)
        values = {**key.values, "target_principal": account, "source": "key"}
        return Credentials(Cloud.GCP, kind.name, values, key.secrets)
    return _impersonate_by_default(kind.name, account)


def _impersonate_by_default(kind: str, account: str) -> Credentials:
    """Impersonation by the application default credentials, where ZenML can store those."""
    content = files.application_default()
    source = content.get("type")
    url = str(content.get("service_account_impersonation_url", ""))
    if source == "external_account":
        made = _external_account(
            files.impersonating(content, account), "The application default credentials"
        )
        values = {"target_principal": account, "source": "external-account"}
        return Credentials(Cloud.GCP, kind, values, made.secrets)
    if source == "impersonated_service_account" and f"/serviceAccounts/{account}:" in url:
        values = {"target_principal": account, "source": "application-default"}
        return Credentials(Cloud.GCP, kind, values)
    found = {
        None: "there are none here",
        "authorized_user": "those here are a person's login",
        "service_account": "those here are a service account's key",
        "impersonated_service_account": "those here impersonate another account",
    }.get(source, "those here are of another kind")
    raise CredentialsError(
        f"{kind}: nothing that ZenML can store impersonates {account}",
        "Without a key ZenML needs application default credentials that do so by themselves, and "
        + found,
        f"Run `gcloud auth application-default login --impersonate-service-account={account}`, or "
        f"write gcp-impersonate:{account}:/path/key.json or gcp-workload-identity:FILE.",
    )


def _service_account(content: Mapping[str, object], where: str) -> Credentials:
    files.check_service_account(content, where)
    values = {key: str(content[key]) for key in ("client_email", "project_id")}
    secret = SecretText(json.dumps(content))
    return Credentials(Cloud.GCP, "gcp-service-account", values, {"service_account_json": secret})


def _external_account(content: Mapping[str, object], where: str) -> Credentials:
    files.check_external_account(content, where)
    secret = SecretText(json.dumps(content))
    return Credentials(Cloud.GCP, "gcp-workload-identity", {}, {"external_account_json": secret})


#: In the order in which they are offered.
CREDENTIALS = (
    CredentialKind("gcp-service-account", _KEY_FORM, _key_kind),
    CredentialKind(
        "gcp-impersonate",
        "gcp-impersonate:ACCOUNT[:/path/key.json]",
        _impersonate,
        tells=("target_principal",),
    ),
    CredentialKind(
        "gcp-workload-identity", "gcp-workload-identity:/path/config.json", _workload_identity
    ),
)
