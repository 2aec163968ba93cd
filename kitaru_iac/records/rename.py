"""Give a stack another name, and nothing else of it."""

from __future__ import annotations

from kitaru_iac.errors import AlreadyExistsError
from kitaru_iac.gateway.documents import StackChange
from kitaru_iac.machine.locks import sole_writer

__all__ = ["rename"]


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

        store = Store.open()
        taken = store.find(new)
        if taken is not None and taken.id != id:
            raise AlreadyExistsError(
                f"Stack '{old}' cannot be called '{new}' again: another stack is",
                remedy=f"See it with: kitaru stack show {new}",
            )
        store.gateway.update_stack(id, StackChange(name=new))
