"""The name that somebody gives to a stack which is there, or to a copy of it."""

from __future__ import annotations

from kitaru_iac.errors import UsageError
from kitaru_iac.spec.names import stack_name
from kitaru_iac.spec.refusal import Refusal

__all__ = ["require_new_name"]


def require_new_name(name: str) -> None:
    """Refuse what cannot be a stack's name.

    Raises:
        UsageError: It cannot.
    """
    try:
        stack_name(name)
    except Refusal as refusal:
        raise UsageError(str(refusal), where="NEW") from None
