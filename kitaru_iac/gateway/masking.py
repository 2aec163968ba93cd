"""Hide the values of secret fields in what is shown.

ZenML lets a component's configuration hold a password or token as plain text. The name of the field
tells: what its flavors mark as sensitive is covered, except for identifiers (`client_id`,
`tenant_id`, `tracking_username`, …), which ZenML marks so that they may refer to a secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

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


def masked(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """A copy with every secret text replaced by `MASK`; references to secrets stay as they are."""
    return {key: _masked_value(key, value) for key, value in configuration.items()}


def _masked_value(key: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return masked(value)
    if isinstance(value, list):
        return [_masked_value(key, item) for item in value]
    if isinstance(value, str) and value and _is_secret(key) and not _REFERENCE.fullmatch(value):
        return MASK
    return value


def _is_secret(key: str) -> bool:
    return key not in _NAMES_OF_SECRETS and _SECRET_NAME.search(key) is not None
