"""Give a stack another name, and nothing else of it."""

from __future__ import annotations

from kitaru_iac.errors import AlreadyExistsError
from kitaru_iac.machine.locks import sole_writer

__all__ = ["rename", "require_free"]


def rename(id: str, old: str, new: str) -> None:
    """Rename a stack; its components and connector keep their names.

    Args:
        id: The stack's UUID.
        old: Its name now.
        new: Its name from now on.

    Raises:
        AlreadyExistsError: Another stack is called so.
    """
    with sole_writer(old, new):
        from kitaru_iac.records.stored import Store
        from kitaru_iac.records.writer import Writer

        store = Store.open()
        taken = store.find(new)
        require_free(id, old, new, taken.id if taken is not None else None)
        Writer(store.gateway).rename_stack(id, old, new)


def require_free(id: str, old: str, new: str, taken: str | None) -> None:
    """Refuse a name that another stack has.

    Args:
        id: The stack's UUID.
        old: Its name now.
        new: Its name from now on.
        taken: The UUID of the stack that is called so now, if one is.

    Raises:
        AlreadyExistsError: It is another one.
    """
    if taken not in (None, id):
        raise AlreadyExistsError(
            f"Stack '{old}' cannot be called '{new}' again: another stack is",
            remedy=f"See it with: kitaru stack show {new}",
        )
