"""A service connector whose secrets this login may not read: not compared, and not written over.

ZenML gives the connector without them, and says nothing. So whether they differ is unknown; and
what is written over could not be put back, should a later write fail.
"""

from __future__ import annotations

from collections.abc import Sequence

from kitaru_iac.errors import NotAllowedError
from kitaru_iac.notices import SecretsNotCompared
from kitaru_iac.plan.model import Action, Step
from kitaru_iac.records.diff import diff, is_own_connector, replacement_reason
from kitaru_iac.records.model import ConnectorRecord, Records

__all__ = ["require_restorable", "unread_secrets"]

_RIGHT = "READ_SECRET_VALUE on service connectors"


def unread_secrets(
    desired: Records, current: Records | None, orphans: Records
) -> tuple[SecretsNotCompared, ...]:
    """Say that secrets which are described could not be compared with those that are stored."""
    old = _unread(desired, current, orphans)
    if old is None:
        return ()
    text = (
        f"Whether service connector '{old.name}' has the described credentials is not known: this "
        f"login may not read them (ZenML's right {_RIGHT}). They are not compared, and stay."
    )
    return (SecretsNotCompared(text),)


def require_restorable(desired: Records, current: Records | None, orphans: Records) -> None:
    """Refuse to write over secrets that could not be put back. Writes nothing.

    Raises:
        NotAllowedError: The connector would be changed, and its secrets may not be read.
    """
    old = _unread(desired, current, orphans)
    if old is None or not _is_written(diff(desired, current, orphans)):
        return
    raise NotAllowedError(
        f"Service connector '{old.name}' is not changed: this login may not read its secrets",
        where=f"stack {desired.stack}",
        why="Where a later write fails they could not be put back. Nothing was written.",
        remedy=f"Use a login with ZenML's right {_RIGHT}.",
    )


def _is_written(steps: Sequence[Step]) -> bool:
    changed = (step for step in steps if step.action is not Action.KEEP)
    return any(step.kind == "service_connector" for step in changed)


def _unread(desired: Records, current: Records | None, orphans: Records) -> ConnectorRecord | None:
    """The stored connector that the described one is written to, if its secrets are hidden."""
    new, old = desired.connector, orphans.connector
    if new is None or new.existing or not new.secrets:
        return None
    if current is not None and replacement_reason(desired, current) is None:
        own = current.connector
        old = own if own is not None and is_own_connector(own, current) else old
    if old is None or (old.type, old.auth_method) != (new.type, new.auth_method):
        return None
    return old if old.secrets_hidden else None
