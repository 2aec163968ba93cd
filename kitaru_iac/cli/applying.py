"""What `stack apply` and `stack preview` do; how they are called is in `stack_apply`.

Nothing here, nor what it imports, needs the parser: see `short`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kitaru_iac.cli.infra import consent, progress, show_report
from kitaru_iac.cli.output import current
from kitaru_iac.cli.plans import asking, tell_plan
from kitaru_iac.errors import ExitCode, UsageError
from kitaru_iac.machine.interrupts import faces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitaru_iac.callbacks import ProgressCallback
    from kitaru_iac.cli.described import Description
    from kitaru_iac.plan.document import StackPlan
    from kitaru_iac.spec import StackSpec
    from kitaru_iac.stacks.results import Applied

__all__ = ["apply", "preview", "save_plan", "show_plan"]

#: So many stacks are worked on at the same time, unless told otherwise.
_PARALLEL = 8


def preview(
    asked: Description,
    *,
    out: str | None = None,
    prune: bool = False,
    source: str | None = None,
    parallel: int = _PARALLEL,
    detailed_exitcode: bool = False,
    take_back: bool = False,
) -> int:
    """`kitaru stack preview`."""
    if (described := asked.several(as_source=prune or source is not None)) is not None:
        from kitaru_iac.cli.stack_many import Several, preview_many

        several = Several(described, asked.files, parallel, take_back, prune, source)
        return preview_many(several, out=out, detailed_exitcode=detailed_exitcode)
    _require_files(prune=prune, source=source)
    spec = asked.load()
    # After the description: a wrong one is told without what reaches a store.
    from kitaru_iac.stacks.planning import plan_stack

    planned = plan_stack(
        spec,
        progress=current().progress,
        show=show_report,
        take_back=take_back,
        source=asked.file,
    )
    if out is not None:
        save_plan([planned], out)
    show_plan(planned)
    return _code(planned.plan.has_changes, detailed_exitcode)


def apply(
    asked: Description,
    *,
    yes: bool = False,
    plan: str | None = None,
    fail_fast: bool = False,
    prune: bool = False,
    source: str | None = None,
    parallel: int = _PARALLEL,
    detailed_exitcode: bool = False,
    take_back: bool = False,
) -> int:
    """`kitaru stack apply`."""
    out = current()
    if (described := asked.several(as_source=prune or source is not None)) is not None:
        from kitaru_iac.cli.stack_many import Several, apply_many

        several = Several(described, asked.files, parallel, take_back, prune, source)
        return apply_many(
            several, yes=yes, plan=plan, fail_fast=fail_fast, detailed_exitcode=detailed_exitcode
        )
    _require_files(prune=prune, source=source)
    spec = asked.load()
    # After the description: a wrong one is told without what reaches a store.
    from kitaru_iac.stacks import operations

    say = progress() if spec.infra == "provision" else out.progress
    if plan is not None:
        done = _apply_reviewed(spec, plan, say, yes=yes, take_back=take_back)
    else:
        done = operations.apply(
            spec,
            confirm=None if yes else asking("Apply these changes?"),
            progress=say,
            consent=consent(yes=yes),
            show=show_report,
            take_back=take_back,
        )
    if done.changed:
        faces.done = f"stack '{done.name}' is registered as described"
    return _tell(done, quiet=not yes and plan is None, detailed_exitcode=detailed_exitcode)


def _require_files(*, prune: bool, source: str | None) -> None:
    """Refuse what is about files where there are none.

    Raises:
        UsageError: An option for them is given.
    """
    if prune or source is not None:
        flag = "--prune" if prune else "--source"
        raise UsageError(f"{flag} is about the files of descriptions", remedy="Give --file.")


def _apply_reviewed(
    spec: StackSpec, plan: str, say: ProgressCallback, *, yes: bool, take_back: bool
) -> Applied:
    """Apply a description if what would be done is what a saved plan says."""
    from kitaru_iac.stacks.planning import apply_reviewed, saved_plan

    reviewed = saved_plan(plan)
    (done,) = apply_reviewed(
        [spec],
        reviewed["digest"],
        reviewed=reviewed,
        progress=say,
        consent=consent(yes=yes),
        show=show_report,
        take_back=take_back,
    )
    return done


def _tell(done: Applied, *, quiet: bool, detailed_exitcode: bool) -> int:
    """Say what was applied, and give the exit code."""
    out = current()
    for warning in done.warnings:
        out.warn(warning)
    if done.changed and not quiet:
        tell_plan(done.plan)
    name = done.plan.stack
    declined = done.plan.has_changes and not done.changed
    if declined:
        lines = ["Nothing was changed."]
    elif not done.changed:
        lines = [f"No changes: stack {name} is as described."]
    else:
        lines = [f"Applied stack: {name}"]
        before = done.previous_active_stack
        if done.is_active and before and before != name:
            lines.append(f"Active stack: {before} → {name}")
    out.item(done.to_dict(), lines)
    if declined:
        return int(ExitCode.FAILED)
    return _code(done.changed, detailed_exitcode)


def show_plan(planned: StackPlan) -> None:
    """Write a plan to stdout, in the form that was asked for."""
    from kitaru_iac.plan.document import document
    from kitaru_iac.render.plan import text
    from kitaru_iac.render.plan_markdown import markdown

    out, plan = current(), document([planned])
    out.item(plan, text(planned.plan, out.style, planned.drift), lambda: markdown(plan))


def save_plan(stacks: Sequence[StackPlan], file: str) -> None:
    """Write a plan's document to a file, whole or not at all.

    Raises:
        FileNotWritten: It cannot be written, or is there and no plan; it is as it was.
    """
    from kitaru_iac.cli.formats import written
    from kitaru_iac.cli.whole_file import write_whole
    from kitaru_iac.plan.document import document

    write_whole(Path(file), written(document(stacks), "json", sys.stdout), over=_is_plan)


def _is_plan(beginning: str) -> bool:
    """Whether a file's beginning is that of a plan, which a new one may replace."""
    return not beginning.strip() or '"format_version"' in beginning


def _code(changes: bool, detailed: bool) -> int:
    return int(ExitCode.CHANGES if changes and detailed else ExitCode.DONE)
