"""AWS's kinds of credential strings."""

from __future__ import annotations

import re

from kitaru_iac.patterns import compiled
from kitaru_iac.redaction import SecretText
from kitaru_iac.spec.clouds.forms import CredentialKind, Credentials
from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.spec.sources import CredentialsError

__all__ = ["CREDENTIALS"]

_ROLE_ARN = compiled(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)
_SESSION_FORM = "aws-session-token:KEY:SECRET:TOKEN"


def _profile(kind: CredentialKind, rest: str) -> Credentials:
    (name,) = kind.split(rest, ("NAME",))
    return Credentials(Cloud.AWS, kind.name, {"profile_name": name})


def _access_keys(kind: CredentialKind, rest: str) -> Credentials:
    key, secret = kind.split(rest, ("KEY", "SECRET"))
    if key.startswith("ASIA"):
        raise CredentialsError(
            "The access key is a temporary one (it begins with ASIA)",
            "A temporary key is refused without its session token",
            f"Write {_SESSION_FORM}.",
        )
    secrets = {"aws_access_key_id": SecretText(key), "aws_secret_access_key": SecretText(secret)}
    return Credentials(Cloud.AWS, kind.name, {}, secrets)


def _session_token(kind: CredentialKind, rest: str) -> Credentials:
    key, secret, token = kind.split(rest, ("KEY", "SECRET", "TOKEN"))
    secrets = {
        "aws_access_key_id": SecretText(key),
        "aws_secret_access_key": SecretText(secret),
        "aws_session_token": SecretText(token),
    }
    return Credentials(Cloud.AWS, kind.name, {}, secrets)


def _role(kind: CredentialKind, rest: str) -> Credentials:
    match = _ROLE_ARN.match(rest.strip())
    if match is None:
        raise CredentialsError(
            f"{kind.name}: what follows is not the ARN of a role",
            remedy="Write aws-role:arn:aws:iam::123456789012:role/NAME.",
        )
    arn, after = match[0], rest.strip()[match.end() :]
    if after.startswith(":") and after[1:]:
        raise CredentialsError(
            f"{kind.name}: the external id cannot be used",
            "ZenML's AWS connector assumes roles without an external id and has no field for one",
            "Where the store's process runs, put a profile with role_arn, external_id and "
            "credential_source (or source_profile) into ~/.aws/config, and write aws-profile:NAME.",
        )
    if after not in {"", ":"}:
        raise kind.refuse("what follows the role's ARN is not understood")
    return Credentials(Cloud.AWS, kind.name, {"role_arn": arn})


#: In the order in which they are offered.
CREDENTIALS = (
    CredentialKind("aws-profile", "aws-profile:NAME", _profile),
    CredentialKind("aws-access-keys", "aws-access-keys:KEY:SECRET", _access_keys),
    CredentialKind("aws-session-token", _SESSION_FORM, _session_token),
    CredentialKind("aws-role", "aws-role:ARN", _role, tells=("role_arn",)),
)
