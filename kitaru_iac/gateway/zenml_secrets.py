"""The secrets of service connectors in a store of this process: ZenML's API hides them.

A secret is stored before its connector. Where the process dies in between, or ZenML undoes it
wrongly (it looks among those that users may see), the secret stays, with the credentials in it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING
from uuid import UUID

from kitaru_iac.gateway.documents import OrphanedSecret
from kitaru_iac.gateway.secret_names import connector_part, secret_part

if TYPE_CHECKING:
    from zenml.zen_stores.base_zen_store import BaseZenStore
    from zenml.zen_stores.sql_zen_store import SqlZenStore

__all__ = ["delete_secret", "orphaned_secrets"]


def orphaned_secrets(zen: BaseZenStore, connectors: Collection[str] | None) -> list[OrphanedSecret]:
    """Find the secrets of connectors of these names, or of any, that no connector refers to."""
    from sqlmodel import Session, col, select
    from zenml.zen_stores.schemas import SecretSchema, ServiceConnectorSchema

    wanted = None if connectors is None else {secret_part(name) for name in connectors}
    used = select(ServiceConnectorSchema.secret_id).where(
        col(ServiceConnectorSchema.secret_id).is_not(None)
    )
    with Session(_sql(zen).engine) as session:
        rows = session.exec(
            select(SecretSchema.id, SecretSchema.name).where(
                col(SecretSchema.internal).is_(True),
                col(SecretSchema.name).startswith("connector-"),
                col(SecretSchema.id).not_in(used),
            )
        ).all()
    found = []
    for uuid, name in rows:
        connector = connector_part(name)
        if connector is not None and (wanted is None or connector in wanted):
            found.append(OrphanedSecret(str(uuid), name, connector))
    return found


def delete_secret(zen: BaseZenStore, secret_id: UUID) -> bool:
    """Delete a secret that no connector refers to. False: there is none such."""
    if str(secret_id) not in {secret.id for secret in orphaned_secrets(zen, None)}:
        return False
    from sqlmodel import Session

    with Session(_sql(zen).engine) as session:
        # Told apart by type checkers only: ZenML's is SQLModel's, wrapped for its own log.
        _sql(zen)._delete_secret_schema(secret_id=secret_id, session=session)  # type: ignore[arg-type]
    return True


def _sql(zen: BaseZenStore) -> SqlZenStore:
    from zenml.zen_stores.sql_zen_store import SqlZenStore

    if not isinstance(zen, SqlZenStore):
        raise TypeError(f"not a store of this process: {type(zen).__name__}")
    return zen
