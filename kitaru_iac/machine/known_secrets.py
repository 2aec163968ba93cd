"""What this machine's settings hold that must not be repeated in a text of somebody else."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, Final

from kitaru_iac.machine.home import config_home
from kitaru_iac.machine.settings import CONFIG_FILE, read_yaml
from kitaru_iac.machine.unreadable import UnreadableError

__all__ = ["known_secrets"]

#: Fields of ZenML's store configuration; in the environment with ``ZENML_STORE_`` before them.
_FIELDS: Final = ("url", "password", "api_key", "api_token")
_OTHERS: Final = (
    "KITARU_API_KEY",
    "KITARU_AUTH_TOKEN",
    "KITARU_SERVER_URL",
    "PULUMI_BACKEND_URL",
    "PULUMI_CONFIG_PASSPHRASE",
)


def known_secrets(environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Give keys, passwords and URLs that may hold some, as `redaction.text` takes them.

    Args:
        environ: The environment variables; this process's by default.
    """
    environ = os.environ if environ is None else environ
    found = (str(value) for value in _all(environ) if isinstance(value, str) and value)
    return tuple(dict.fromkeys(found))


def _all(environ: Mapping[str, str]) -> Iterator[Any]:
    yield from (environ.get(f"ZENML_STORE_{field.upper()}") for field in _FIELDS)
    yield from (environ.get(name) for name in _OTHERS)
    for name, value in environ.items():
        if name.lower().endswith("_proxy") and "@" in value:
            yield value
    try:
        store = read_yaml(config_home() / CONFIG_FILE).get("store")
    except UnreadableError:
        return
    if isinstance(store, Mapping):
        yield from (store.get(field) for field in _FIELDS)
