"""Google's credential files: what is in them and whether ZenML can take them."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kitaru_iac.spec.sources import CredentialsError, read_file

__all__ = [
    "application_default",
    "check_external_account",
    "check_service_account",
    "impersonating",
    "load",
]

#: What ZenML's GCP connector demands of a service account's key and of an external account's file.
_SERVICE_ACCOUNT = (
    "type",
    "project_id",
    "private_key_id",
    "private_key",
    "client_email",
    "client_id",
    "auth_uri",
    "token_uri",
    "auth_provider_x509_cert_url",
    "client_x509_cert_url",
)
_EXTERNAL_ACCOUNT = ("type", "subject_token_type", "token_url")

_IMPERSONATION_URL = (
    "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{}:generateAccessToken"
)


def load(text: str, where: str) -> dict[str, Any]:
    """The JSON object in `text`; `where` names it in the error.

    Raises:
        CredentialsError: It is not a JSON object.
    """
    # The parser's error holds the whole text, so ours is raised where that is not its context.
    content: Any = None
    with contextlib.suppress(ValueError):
        content = json.loads(text)
    if not isinstance(content, dict):
        raise CredentialsError(f"{where}: not a JSON object", remedy="Give Google's file as it is.")
    return content


def check_service_account(content: Mapping[str, Any], where: str) -> None:
    """Whether it is a service account's key that ZenML takes.

    Raises:
        CredentialsError: It is not.
    """
    _check(content, where, "service_account", _SERVICE_ACCOUNT)


def check_external_account(content: Mapping[str, Any], where: str) -> None:
    """Whether it is an external account's file (workload identity federation) that ZenML takes.

    Raises:
        CredentialsError: It is not.
    """
    _check(content, where, "external_account", _EXTERNAL_ACCOUNT)


def impersonating(content: Mapping[str, Any], account: str) -> dict[str, Any]:
    """An external account's file that ends as the service account `account`."""
    return {**content, "service_account_impersonation_url": _IMPERSONATION_URL.format(account)}


def application_default() -> dict[str, Any]:
    """The application default credentials' file as google-auth finds it; empty where there is none.

    The order is that of https://google.aip.dev/auth/4110; the metadata server is not asked.

    Raises:
        CredentialsError: ``GOOGLE_APPLICATION_CREDENTIALS`` names no such file.
    """
    explicit = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    config = Path(os.environ.get("CLOUDSDK_CONFIG") or "~/.config/gcloud").expanduser()
    path = Path(explicit) if explicit else config / "application_default_credentials.json"
    if not explicit and not path.is_file():
        return {}
    return load(read_file(str(path), "the file's path", private=False), str(path))


def _check(content: Mapping[str, Any], where: str, wanted: str, fields: tuple[str, ...]) -> None:
    others = {
        "service_account": "gcp-service-account:FILE takes a service account's key",
        "external_account": "gcp-workload-identity:FILE takes such a file",
        "authorized_user": "A person's login cannot be stored in a stack",
        "impersonated_service_account": "gcp-impersonate:ACCOUNT takes an impersonation",
    }
    found = content.get("type")
    if found != wanted:
        kind = f"is {found!r}" if found in others else "is missing or unknown"
        raise CredentialsError(
            f"{where}: its type {kind} and not {wanted!r}", others.get(found or "")
        )
    missing = [name for name in fields if not content.get(name)]
    if missing:
        raise CredentialsError(
            f"{where}: {', '.join(missing)} missing",
            "ZenML's GCP connector demands them",
            "Give the file as Google made it.",
        )
