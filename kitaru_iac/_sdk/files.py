"""The functions for several descriptions: all of some files and folders, and what they left out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kitaru_iac._sdk.arguments import (
    require_callable,
    require_paths,
    require_planned,
    require_source,
    require_switches,
)
from kitaru_iac._sdk.confirmation import Confirm, require_agreed, require_answer
from kitaru_iac._sdk.warned import warn
from kitaru_iac.callbacks import ProgressCallback
from kitaru_iac.errors import UsageError
from kitaru_iac.machine.environment import apply_environment

if TYPE_CHECKING:
    from kitaru_iac.stacks.outcomes import Outcome
    from kitaru_iac.stacks.several import PlannedStacks

__all__ = ["apply_all", "preview_all"]

#: A file with one description or more, or a folder of such files.
File = str | os.PathLike[str]


def preview_all(
    *files: File,
    prune: bool = False,
    source: str | None = None,
    progress: ProgressCallback | None = None,
) -> PlannedStacks:
    """Plan what `apply_all` would do, and do nothing.

    Args:
        files: Files with one description or more, and folders of such files.
        prune: Whether stacks go that were applied from these files, with `prune` or `source`, and
            that none of them describes any more.
        source: What the files are called as a whole, which is kept on their stacks; a repository
            with a remote needs no name.
        progress: Gets one-line messages.

    Returns:
        A plan for each stack in ``.plans``, in ``.errors`` why some have none, the document with
        its digest in ``.to_dict()``.

    Raises:
        DescriptionError: What is wrong with the descriptions: all of it.
        UsageError: The files are no source, and have to be one.
        PruneRefused: Nothing is described, so that all would go.
        NotConnectedError: No store answers.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import mkdtemp
        >>> folder = Path(mkdtemp())
        >>> _ = (folder / "a.yaml").write_text("name: a")
        >>> [(item.plan.stack, item.plan.has_changes) for item in kitaru.preview_all(folder).plans]
        [('a', True)]
    """
    return _planned(*files, prune=prune, source=source, progress=progress)


def _planned(
    *files: File,
    prune: bool,
    source: str | None,
    progress: ProgressCallback | None,
) -> PlannedStacks:
    """Do what `preview_all` says."""
    require_paths(*files)
    if source is not None:
        require_source(source)
    require_switches(prune=prune)
    require_callable(progress=progress)
    apply_environment()
    from kitaru_iac.machine.project import description_defaults
    from kitaru_iac.spec.files import read_all
    from kitaru_iac.stacks.several import plan_several, source_for

    if not files:
        raise UsageError("No files with descriptions are given")
    paths = [os.fspath(file) for file in files]
    described = read_all(paths, description_defaults())
    kept = source_for(paths, source, prune=prune)
    found = plan_several(described, kept, prune=prune, progress=progress)
    warn(found.warnings)
    return found


def apply_all(
    *files: File,
    plan: PlannedStacks | None = None,
    prune: bool = False,
    source: str | None = None,
    confirm: Confirm = None,
    fail_fast: bool = False,
    progress: ProgressCallback | None = None,
) -> tuple[Outcome, ...]:
    """Change the stacks of some files to match them; then prune, where that is asked for.

    One failure does not stop the others, but nothing is pruned after one.

    Args:
        files: As of `preview_all`.
        plan: What `preview_all` gave for them: nothing else is done.
        prune: As of `preview_all`.
        source: As of `preview_all`.
        confirm: Whether what costs money is made, and stacks are pruned: True does it. A function
            is asked with each plan that would change something, before anything is written. Not
            needed with `plan`, which was reviewed.
        fail_fast: Begin no other stack once one has failed.
        progress: Gets one-line messages.

    Returns:
        What became of each stack: ``.status``, with ``.applied``, ``.deleted`` or ``.error``.

    Raises:
        DescriptionError: What is wrong with the descriptions: all of it.
        PlanMoved: `plan` is not what would be done now; nothing was done.
        ConfirmationNeeded: Something was not agreed to; nothing was done.
        KitaruError: As `preview_all` raises.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import mkdtemp
        >>> folder = Path(mkdtemp())
        >>> _ = (folder / "a.yaml").write_text("name: a")
        >>> _ = (folder / "b.yaml").write_text("name: b")
        >>> [done.status for done in kitaru.apply_all(folder, source="mine")]
        ['applied', 'applied']
        >>> (folder / "b.yaml").unlink()
        >>> planned = kitaru.preview_all(folder, source="mine", prune=True)
        >>> outcomes = kitaru.apply_all(folder, source="mine", prune=True, plan=planned)
        >>> [(done.name, done.status) for done in outcomes]
        [('a', 'unchanged'), ('b', 'pruned')]
    """
    require_switches(prune=prune, fail_fast=fail_fast)
    require_answer(confirm)
    from kitaru_iac.stacks.planning import require_digest
    from kitaru_iac.stacks.several import PlannedStacks, apply_several

    require_planned(plan, PlannedStacks, "preview_all")
    found = _planned(*files, prune=prune, source=source, progress=progress)
    if plan is not None:
        reviewed = plan.to_dict()
        require_digest(found.to_dict(), reviewed["digest"], reviewed, prunes=prune)
    else:
        gone = {item.name for item in found.pruned}
        for entry in found.plans:
            if entry.plan.has_changes:
                require_agreed(entry.plan, confirm, pruned=entry.plan.stack in gone)
    outcomes: list[Outcome] = []
    apply_several(found, outcomes, fail_fast=fail_fast, progress=progress)
    for outcome in outcomes:
        done = outcome.applied or outcome.deleted
        warn(() if done is None else done.warnings)
    return tuple(outcomes)
