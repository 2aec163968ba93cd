"""What looks like a secret by itself, by its beginning, or by the word that stands before it."""

from __future__ import annotations

import re

__all__ = ["is_credentials", "is_key_id", "is_key_text", "tokens"]

#: An AWS access key's id, and the form of the secret that belongs to it: so many signs of base64.
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
_KEY_ID = r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b"
_KEY_TEXT = r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
#: Signs of a secret whatever it stands in: ZenML's keys, JSON web tokens, keys of GitHub, AWS and
#: others that give theirs a beginning of its own, and what follows a word that announces one.
_TOKENS = (
    r"ZENKEY_[\w.~+/=-]+"
    r"|ZENPROKEY_[\w.~+/=-]+"
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]*"
    r"|\b(?:gh[opsu]|github_pat|glpat|dckr_pat)[_-]\w{8,}"
    rf"|{_KEY_ID}"
    r"|\b[rs]k_(?:live|test)_\w{8,}|\bsk-[\w-]{20,}|\bxox[abeoprs]-[\w-]{8,}"
    r"|\bhf_[A-Za-z0-9]{20,}|\bAIza[\w-]{30,}|\bnpm_[A-Za-z0-9]{20,}"
    r"|\bGOCSPX-[\w-]{10,}|\bya29\.[\w.-]{10,}|\bdop_v1_\w{20,}|\bSG\.[\w-]{10,}\.[\w-]{10,}"
    r"|\beyJ[A-Za-z0-9+/_-]{60,}={0,2}|\bLS0tLS1CRUdJTi[A-Za-z0-9+/=]+"  # JSON and PEM as base64
    r"|(?<=hooks\.slack\.com/services/)[\w/]+"
    r"|(?s:-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*-----|\Z))"
    r"|(?<=Bearer )[^\s'\",]+|(?<=Basic )[A-Za-z0-9+/=]{6,}"
)
#: A name begins where its signs do, and is taken whole: any other try would find the same, and take
#: a text of one long word minutes.
_ANNOUNCED = (
    r"(?i)(?<![\w-])(?=[\w-]*?(?:passw(?:or)?d|pwd|secret|token|api[_-]?key|access[_-]?key"
    r"|account[_-]?key|signature|credential|\bsig))(?P<name>[\w-]++)=(?P<value>[^\s&'\",;)]+)"
)
#: The words before the colon of a credential string (`spec.credentials`), or nearly one.
_CREDENTIALS = r"(?si)['\"\s]*(?P<kind>(?:aws|gcp|azure)[-_ ][a-z_-]{3,}?)\s*:(?!…)(?P<rest>.+)"
#: Kinds of them that hold no secret.
_OPEN_CREDENTIALS = frozenset(
    {"aws-profile", "aws-role", "gcp-service-account", "gcp-impersonate", "gcp-workload-identity"}
)


def tokens(text: str, instead: str) -> str:
    """Give a text without what looks like a secret by itself, or by the word before it.

    Args:
        text: What may hold one.
        instead: What stands in its place.
    """
    if re.search(_KEY_ID, text):
        text = re.sub(_KEY_TEXT, instead, text)
    return re.sub(_ANNOUNCED, rf"\g<name>={instead}", re.sub(_TOKENS, instead, text))


def is_key_id(given: object) -> bool:
    """Tell whether it is the id of an access key of AWS."""
    return isinstance(given, str) and re.fullmatch(_KEY_ID, given.strip()) is not None


def is_key_text(given: object) -> bool:
    """Tell whether it has the form of the secret that belongs to such an id."""
    return isinstance(given, str) and re.fullmatch(_KEY_TEXT, given.strip()) is not None


def is_credentials(given: str) -> bool:
    """Tell whether it is a credential string with a secret in it, or nearly one."""
    found = re.fullmatch(_CREDENTIALS, given)
    return found is not None and found["kind"].lower().replace("_", "-") not in _OPEN_CREDENTIALS
