"""Hide the values of secret fields in what is shown.

ZenML lets a component's configuration hold a password or token as plain text. The name of the field
tells: what its flavors mark as sensitive is covered, except for identifiers (`client_id`,
`tenant_id`, `tracking_username`, …), which ZenML marks so that they may refer to a secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kitaru_iac import redaction

__all__ = ["MASK", "masked"]

MASK = "********"

_SECRET_NAME = re.compile(
    r"""password$ | ^key$ | (?:^|[_.-])(?:
        pass | passwd | passphrase | secret | token | credentials? | connection_?string
        | access_key_id | sas_url
        | (?:api|access|private|account|application|auth|secret|shared|storage|signing)_?key
    )$""",
    re.IGNORECASE | re.VERBOSE,
)
#: These hold the name of a ZenML secret, not a secret.
_NAMES_OF_SECRETS = frozenset({"authentication_secret", "registry_auth_secret"})
#: ZenML's way to refer to a secret: `{{name.key}}`.
_REFERENCE = re.compile(r"\{\{\s*\S+?\.\S+\s*\}\}")


#: An address with a login, with a scheme or without one. What stands before the `@` of Azure's
#: addresses is a container, and of an image's digest a name and a tag.
_LOGIN = re.compile(
    r"(?P<scheme>https?://)\S*@\S* | (?P<start>[a-z][a-z0-9+.-]*://|^)[^/@:\s]*:(?!//)\S*@(?!sha\d+:)\S*",
    re.IGNORECASE | re.VERBOSE,
)


def masked(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """A copy with every secret text replaced by `MASK`; references to secrets stay as they are.

    The login of an address is one, and the value of an environment variable with such a name.
    """
    told = configuration.get("name")
    named = isinstance(told, str) and "value" in configuration and _is_secret(told)
    return {
        key: _masked_value(str(told) if named and key == "value" else key, value)
        for key, value in configuration.items()
    }


def _masked_value(key: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return masked(value)
    if isinstance(value, list):
        return [_masked_value(key, item) for item in value]
    if isinstance(value, str) and value and _is_secret(key) and not _REFERENCE.fullmatch(value):
        return MASK
    if isinstance(value, str) and "@" in value:
        return _LOGIN.sub(_without_login, value)
    return value


def _without_login(found: re.Match[str]) -> str:
    start = found["scheme"] or found["start"] or ""
    # A password may hold an `@` or a `/`: what is left of the address is `redaction`'s to say.
    return f"{start}{MASK}@{redaction.url(found[0]).removeprefix(start.lower())}"


def _is_secret(key: str) -> bool:
    return key not in _NAMES_OF_SECRETS and _SECRET_NAME.search(key) is not None
