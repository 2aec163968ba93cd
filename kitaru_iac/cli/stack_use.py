"""`kitaru stack use`."""

from __future__ import annotations

from kitaru_iac.cli import reading
from kitaru_iac.cli.options import StackRef

__all__ = ["use"]


def use(stack: StackRef) -> None:
    """Make a stack the active one.

    It stays active until you switch again. Inside a directory prepared by kitaru init the choice
    holds for that directory, elsewhere for everything you do on this machine. Overrides of a single
    run are not touched.

    Examples:
        kitaru stack use prod-k8s
        kitaru stack use 2f6c1e0a
    """
    reading.use(stack)
