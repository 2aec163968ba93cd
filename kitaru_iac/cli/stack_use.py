"""`kitaru stack use`."""

from __future__ import annotations

from kitaru_iac.cli.options import StackRef
from kitaru_iac.cli.output import current as output

__all__ = ["use"]


def use(stack: StackRef) -> None:
    """Make a stack the active one.

    It stays so until you switch again. Inside a directory prepared by kitaru init the choice holds
    for that directory, elsewhere for everything you do on this machine. Overrides of a single run
    are not touched.

    Examples:
        kitaru stack use prod-k8s
        kitaru stack use 2f6c1e0a
    """
    from kitaru_iac import lifecycle
    from kitaru_iac.cli.scope import scope_words

    out = output()
    done = lifecycle.use(stack)
    before = done.previous_active_stack
    if done.overridden_by:
        out.warn(
            f"{done.overridden_by} is set and goes before this choice: runs from this shell use "
            "the stack it names until you unset it."
        )
    lines = [
        f"Active stack: {before} → {done.name}"
        if before and before != done.name
        else f"Active stack: {done.name}"
    ]
    out.item(done.to_dict(), lines)
    if done.scope == "repository":
        out.note(f"Holds for {scope_words('repository', 'that kitaru init prepared')}.")
