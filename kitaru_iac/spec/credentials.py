"""Credential strings: how a description says who the service connector is.

``kind[:fields]``, or ``env:NAME``, ``file:PATH`` and ``-`` for a place that holds such a string, so
that no secret has to stand on a command line. A service account's or an external account's JSON is
understood as it is, wherever a string is.

What ZenML 0.98's connectors make of each kind (read from its three ``*_service_connector.py``; the
mapping itself stands in ``kitaru_iac/clouds/*/records.py``):

======================================== ===================== ==================================
string                                   method                fields
======================================== ===================== ==================================
``implicit``                             ``implicit``
``aws-profile:NAME``                     ``implicit``          ``profile_name``
``aws-access-keys:KEY:SECRET``           ``secret-key``        ``aws_access_key_id``, …
``aws-session-token:KEY:SECRET:TOKEN``   ``sts-token``         the same and ``aws_session_token``
``aws-role:ARN``                         ``implicit``          ``role_arn``
``gcp-service-account:FILE``             ``service-account``   ``service_account_json``
``gcp-impersonate:ACCOUNT:KEYFILE``      ``impersonation``     the same and ``target_principal``
``gcp-impersonate:ACCOUNT``              ``external-account``  see below
``gcp-workload-identity:FILE``           ``external-account``  ``external_account_json``
``azure-service-principal:TENANT:…``     ``service-principal`` ``tenant_id``, ``client_id``, …
``azure-managed-identity``               ``implicit``
======================================== ===================== ==================================

What it cannot express, and what is done about it:

* **A role's external id.** Both ways to assume a role (``iam-role``, ``implicit``) call AssumeRole
  without one. ``aws-role:ARN:EXTERNAL_ID`` is refused; a profile with ``role_arn`` and
  ``external_id`` can do it, because there boto3 makes the call.
* **A role without a key** is not ``iam-role``, which demands an access key, but ``implicit`` with a
  ``role_arn``: whoever owns the store assumes the role with its own identity.
* **Impersonation without a key.** ``impersonation`` demands a service account's key. Without one,
  the application default credentials decide: an external account's file (workload identity
  federation) is taken with its ``service_account_impersonation_url`` set to the account, which the
  ``external-account`` method honours; an impersonation of that account made by ``gcloud auth
  application-default login --impersonate-service-account`` is ``implicit``, and good on
  this machine alone. Anything else is refused: no key and no person's login is taken unasked.
* **Workload identity is implicit to ZenML**: ``external-account`` is refused as ``implicit`` is
  where implicit methods are off, because its file tells the store's process what to read and run.
* **Which managed identity.** ``implicit`` is ``DefaultAzureCredential``, which has no field for a
  client id: ``AZURE_CLIENT_ID`` beside the store's process selects a user-assigned identity.
* **An Azure access token** opens one audience, not blob storage ("does not support blob"), and its
  expiry cannot be given with a stack. Every Azure stack stores its artifacts in blob storage, so
  ``azure-access-token:TOKEN`` is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from kitaru_iac.redaction import SecretText
from kitaru_iac.spec import google_files
from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.spec.sources import CredentialsError, read_file, resolve_source

__all__ = [
    "CREDENTIAL_FORMS",
    "Credentials",
    "CredentialsError",
    "parse_credentials",
    "resolve_source",
]

#: Every kind and how it is written.
CREDENTIAL_FORMS: Mapping[str, str] = {
    "aws-profile": "aws-profile:NAME",
    "aws-access-keys": "aws-access-keys:KEY:SECRET",
    "aws-session-token": "aws-session-token:KEY:SECRET:TOKEN",
    "aws-role": "aws-role:ARN",
    "gcp-service-account": "gcp-service-account:/path/key.json",
    "gcp-impersonate": "gcp-impersonate:ACCOUNT[:/path/key.json]",
    "gcp-workload-identity": "gcp-workload-identity:/path/config.json",
    "azure-service-principal": "azure-service-principal:TENANT:CLIENT:SECRET",
    "azure-access-token": "azure-access-token:TOKEN",
    "azure-managed-identity": "azure-managed-identity",
    "implicit": "implicit",
}

_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ACCOUNT = re.compile(r"[a-z0-9-]+@[a-z0-9.:-]+\.gserviceaccount\.com")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who a service connector is.

    Attributes:
        cloud: Whose credentials they are; None for ``implicit``, which fits every cloud.
        kind: The word before the colon, a key of `CREDENTIAL_FORMS`.
        values: What may be shown: ``profile_name``, ``role_arn``, ``target_principal``,
            ``tenant_id``, ``client_id``, ``project_id`` (of a service account's key),
            ``client_email``. For ``gcp-impersonate``, ``source`` says what impersonates:
            ``key``, ``external-account`` or ``application-default``.
        secrets: What may not, under the name of ZenML's connector field.
    """

    cloud: Cloud | None
    kind: str
    values: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, SecretText] = field(default_factory=dict)

    def __str__(self) -> str:
        shown = [
            self.values[key]
            for key in (
                "profile_name",
                "role_arn",
                "target_principal",
                "client_email",
                "tenant_id",
                "client_id",
            )
            if key in self.values
        ]
        return ":".join([self.kind, *shown, *(["…"] if self.secrets else [])])


def parse_credentials(text: str) -> Credentials:
    """Understand a credential string whose place is already resolved by `resolve_source`.

    Fields are split from the left, so that the last one, the secret, may hold colons.

    Raises:
        CredentialsError: The kind is unknown, a field is missing or malformed, a file is absent or
            not what it should be, or ZenML cannot do what is asked.
    """
    text = text.strip()
    if text.startswith("{"):
        return _from_json(text)
    kind, _, rest = text.partition(":")
    kind = kind.strip().lower()
    parser = _PARSERS.get(kind)
    if parser is None:
        raise _unknown_kind(kind, text)
    return parser(kind, rest)


# --- kinds -------------------------------------------------------------------------------------


def _unknown_kind(kind: str, text: str) -> CredentialsError:
    # A string of no known kind may be a bare secret: only what is nearly a known word is repeated.
    near = get_close_matches(kind, CREDENTIAL_FORMS, n=1, cutoff=0.75)
    if not text:
        return CredentialsError("The credentials are empty", remedy=_forms())
    if near:
        return CredentialsError(
            f"There are no credentials of kind {kind!r}",
            remedy=f"Did you mean {CREDENTIAL_FORMS[near[0]]}?",
        )
    return CredentialsError("The credentials are of no known kind", remedy=_forms())


def _forms() -> str:
    return (
        "Write one of "
        + ", ".join(form for kind, form in CREDENTIAL_FORMS.items() if kind != "azure-access-token")
        + "; or env:NAME, file:PATH or - for where it is."
    )


def _bad_form(kind: str, what: str) -> CredentialsError:
    return CredentialsError(f"{kind}: {what}", remedy=f"Write {CREDENTIAL_FORMS[kind]}.")


def _split(kind: str, rest: str, names: tuple[str, ...]) -> list[str]:
    """`rest` as one part per name; the last one keeps its colons."""
    parts = [part.strip() for part in rest.split(":", len(names) - 1)]
    parts += [""] * (len(names) - len(parts))
    missing = [name for name, part in zip(names, parts, strict=True) if not part]
    if missing:
        raise _bad_form(kind, f"{', '.join(missing)} missing")
    return parts


def _no_fields(kind: str, rest: str, why: str | None = None) -> None:
    if rest.strip():
        raise CredentialsError(f"{kind} takes nothing after it", why, f"Write {kind} alone.")


def _implicit(kind: str, rest: str) -> Credentials:
    _no_fields(kind, rest)
    return Credentials(None, kind)


def _aws_profile(kind: str, rest: str) -> Credentials:
    (name,) = _split(kind, rest, ("NAME",))
    return Credentials(Cloud.AWS, kind, {"profile_name": name})


def _aws_keys(kind: str, rest: str) -> Credentials:
    names = ("KEY", "SECRET", "TOKEN")[: 3 if kind == "aws-session-token" else 2]
    parts = _split(kind, rest, names)
    if kind == "aws-access-keys" and parts[0].startswith("ASIA"):
        raise CredentialsError(
            "The access key is a temporary one (it begins with ASIA)",
            "A temporary key is refused without its session token",
            f"Write {CREDENTIAL_FORMS['aws-session-token']}.",
        )
    fields = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    secrets = {key: SecretText(part) for key, part in zip(fields, parts, strict=False)}
    return Credentials(Cloud.AWS, kind, {}, secrets)


def _aws_role(kind: str, rest: str) -> Credentials:
    match = _ROLE_ARN.match(rest.strip())
    if match is None:
        raise CredentialsError(
            f"{kind}: what follows is not the ARN of a role",
            remedy="Write aws-role:arn:aws:iam::123456789012:role/NAME.",
        )
    arn, after = match[0], rest.strip()[match.end() :]
    if after.startswith(":") and after[1:]:
        raise CredentialsError(
            f"{kind}: the external id cannot be used",
            "ZenML's AWS connector assumes roles without an external id and has no field for one",
            "Where the store's process runs, put a profile with role_arn, external_id and "
            "credential_source (or source_profile) into ~/.aws/config, and write aws-profile:NAME.",
        )
    if after not in {"", ":"}:
        raise _bad_form(kind, "what follows the role's ARN is not understood")
    return Credentials(Cloud.AWS, kind, {"role_arn": arn})


def _azure_principal(kind: str, rest: str) -> Credentials:
    tenant, client, secret = _split(kind, rest, ("TENANT", "CLIENT", "SECRET"))
    wrong = [n for n, v in (("TENANT", tenant), ("CLIENT", client)) if not _UUID.fullmatch(v)]
    if wrong:
        raise CredentialsError(
            f"{kind}: {' and '.join(wrong)} must be a UUID",
            "ZenML's Azure connector takes ids, not names",
            "`az ad sp list --display-name NAME --query '[].[appOwnerOrganizationId, appId]'` "
            "shows both.",
        )
    values = {"tenant_id": tenant.lower(), "client_id": client.lower()}
    return Credentials(Cloud.AZURE, kind, values, {"client_secret": SecretText(secret)})


def _azure_token(kind: str, rest: str) -> Credentials:
    _split(kind, rest, ("TOKEN",))
    raise CredentialsError(
        f"{kind}: an access token cannot be used for a stack",
        "An Azure access token does not open blob storage, where an Azure stack keeps its "
        "artifacts, and it expires within the hour",
        f"Use {CREDENTIAL_FORMS['azure-service-principal']} or azure-managed-identity.",
    )


def _azure_identity(kind: str, rest: str) -> Credentials:
    _no_fields(
        kind,
        rest,
        "ZenML's Azure connector has no field for an identity's client id; set AZURE_CLIENT_ID in "
        "the environment of the process that owns the store to select one",
    )
    return Credentials(Cloud.AZURE, kind)


# --- Google's files ----------------------------------------------------------------------------


def _from_json(text: str) -> Credentials:
    content = google_files.load(text, "The credentials")
    if content.get("type") == "external_account":
        return _external_account(content, "The credentials")
    return _service_account(content, "The credentials")


def _gcp_key(kind: str, rest: str) -> Credentials:
    path = rest.strip()
    text = read_file(path, CREDENTIAL_FORMS[kind], private=True)
    return _service_account(google_files.load(text, path), path)


def _gcp_workload_identity(kind: str, rest: str) -> Credentials:
    path = rest.strip()
    text = read_file(path, CREDENTIAL_FORMS[kind], private=False)
    return _external_account(google_files.load(text, path), path)


def _gcp_impersonate(kind: str, rest: str) -> Credentials:
    account, _, path = (part.strip() for part in rest.partition(":"))
    if not _ACCOUNT.fullmatch(account):
        raise CredentialsError(
            f"{kind}: what follows is not the e-mail address of a service account",
            remedy="Write gcp-impersonate:NAME@PROJECT.iam.gserviceaccount.com.",
        )
    if path:
        key = _gcp_key("gcp-service-account", path)
        values = {**key.values, "target_principal": account, "source": "key"}
        return Credentials(Cloud.GCP, kind, values, key.secrets)
    return _impersonate_by_default(kind, account)


def _impersonate_by_default(kind: str, account: str) -> Credentials:
    """Impersonation by the application default credentials, where ZenML can store those."""
    content = google_files.application_default()
    source = content.get("type")
    url = str(content.get("service_account_impersonation_url", ""))
    if source == "external_account":
        made = _external_account(
            google_files.impersonating(content, account), "The application default credentials"
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


def _service_account(content: Mapping[str, Any], where: str) -> Credentials:
    google_files.check_service_account(content, where)
    values = {key: str(content[key]) for key in ("client_email", "project_id")}
    secret = SecretText(json.dumps(content))
    return Credentials(Cloud.GCP, "gcp-service-account", values, {"service_account_json": secret})


def _external_account(content: Mapping[str, Any], where: str) -> Credentials:
    google_files.check_external_account(content, where)
    secret = SecretText(json.dumps(content))
    return Credentials(Cloud.GCP, "gcp-workload-identity", {}, {"external_account_json": secret})


_PARSERS: Mapping[str, Callable[[str, str], Credentials]] = {
    "implicit": _implicit,
    "aws-profile": _aws_profile,
    "aws-access-keys": _aws_keys,
    "aws-session-token": _aws_keys,
    "aws-role": _aws_role,
    "gcp-service-account": _gcp_key,
    "gcp-impersonate": _gcp_impersonate,
    "gcp-workload-identity": _gcp_workload_identity,
    "azure-service-principal": _azure_principal,
    "azure-access-token": _azure_token,
    "azure-managed-identity": _azure_identity,
}
