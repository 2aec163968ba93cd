"""What ZenML calls the secret of a service connector."""

from __future__ import annotations

import re

from kitaru_iac.patterns import compiled

__all__ = ["connector_part", "secret_part"]

#: `SqlZenStore._create_connector_secret`: the name, made fit for other secret stores, and a suffix.
_SECRET = compiled(r"connector-(?P<name>.+)-[a-z]{4}")


def secret_part(connector: str) -> str:
    """How a connector's name stands in that of its secret."""
    return re.sub(r"[^a-zA-Z0-9-]", "-", connector).lower()


def connector_part(secret: str) -> str | None:
    """What stands in a secret's name for its connector; None for the secret of anything else."""
    found = _SECRET.fullmatch(secret)
    return found["name"] if found else None
