"""`kitaru stack preview` and `apply` with several descriptions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from kitaru_iac.cli.infra import consent, progress, show_report
from kitaru_iac.cli.output import current
from kitaru_iac.errors import ExitCode, KitaruError

if TYPE_CHECKING:
    from kitaru_iac.callbacks import ProgressCallback
    from kitaru_iac.plan.document import StackPlan
    from kitaru_iac.spec.files import Described
    from kitaru_iac.stacks.many import Outcome

__all__ = ["apply_many", "outcome_lines", "preview_many"]


def preview_many(
    described: Sequence[Described], *, out: str | None, take_back: bool, detailed_exitcode: bool
) -> int:
    """Show what `apply_many` would do."""
    from kitaru_iac.cli.stack_apply import save_plan
    from kitaru_iac.plan.document import document
    from kitaru_iac.render.plan import several
    from kitaru_iac.render.plan_markdown import markdown
    from kitaru_iac.stacks.many import plan_all

    say = current()
    plans, errors = plan_all(
        described, progress=_progress(described), show=show_report, take_back=take_back
    )
    if out is not None:
        save_plan(plans, out)
    plan = document(plans)
    say.item(plan, several(plans, say.style), lambda: markdown(plan))
    changed = any(entry.plan.has_changes for entry in plans)
    return _code(errors.values(), changed=changed, detailed=detailed_exitcode)


def apply_many(
    described: Sequence[Described],
    *,
    yes: bool,
    plan: str | None,
    fail_fast: bool,
    take_back: bool,
    detailed_exitcode: bool,
) -> int:
    """Apply several descriptions, and show what became of each."""
    from kitaru_iac.plan.document import document
    from kitaru_iac.stacks.many import apply_all, plan_all
    from kitaru_iac.stacks.planning import require_digest, saved_plan

    out = current()
    reviewed = None if plan is None else saved_plan(plan)
    say = _progress(described)
    agreed = None
    if reviewed is not None or not yes:
        plans, _ = plan_all(described, progress=say, show=show_report, take_back=take_back)
        if reviewed is not None:
            require_digest(document(plans), reviewed["digest"], reviewed)
        elif any(entry.plan.has_changes for entry in plans) and not _ask(plans):
            out.items([], ["Nothing was changed."])
            return int(ExitCode.FAILED)
        agreed = {entry.plan.stack: entry for entry in plans}
    outcomes: list[Outcome] = []
    try:
        apply_all(
            described,
            agreed,
            outcomes=outcomes,
            fail_fast=fail_fast,
            progress=say,
            consent=consent(yes=yes),
            show=show_report,
            take_back=take_back,
        )
    except KeyboardInterrupt as pressed:
        if outcomes:
            out.items([done.to_dict() for done in outcomes], outcome_lines(outcomes))
        raise _told(pressed, outcomes) from pressed
    for warning in (w for done in outcomes if done.applied for w in done.applied.warnings):
        out.warn(warning)
    out.items([done.to_dict() for done in outcomes], outcome_lines(outcomes))
    failed = [done.error for done in outcomes if done.error is not None]
    changed = any(done.status == "applied" for done in outcomes)
    return _code(failed, changed=changed, detailed=detailed_exitcode)


def _told(pressed: KeyboardInterrupt, outcomes: Sequence[Outcome]) -> KeyboardInterrupt:
    """The interrupt of one stack's work, with the stacks that were applied before it."""
    from kitaru_iac.machine.interrupts import WorkInterrupted

    done = [outcome.name for outcome in outcomes if outcome.status == "applied"]
    if not done or type(pressed) is not WorkInterrupted:
        return pressed
    what = f"Stacks applied before: {', '.join(done)}. Of the one under way: {pressed.what}"
    return WorkInterrupted(what, left=pressed.left, remedy=pressed.remedy)


def outcome_lines(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Give a table of what became of each stack, and below it why some failed."""
    from kitaru_iac.cli.tables import table

    out = current()
    rows = [(done.name, done.status, done.source) for done in outcomes]
    yield from table(out, ("STACK", "RESULT", "FILE"), rows)
    for done in outcomes:
        if done.error is not None:
            yield ""
            yield f"{out.style('Failed:', 'red', 'bold')} stack {done.name}"
            yield from (f"  {line}" for line in str(done.error).splitlines())


def _ask(plans: Sequence[StackPlan]) -> bool:
    from kitaru_iac.cli.terminal import confirm
    from kitaru_iac.render.plan import several

    out = current()
    for line in several(plans, out.error_style):
        out.note(line)
    return confirm("Apply these changes?", remedy="Run it again with --yes.")


def _progress(described: Sequence[Described]) -> ProgressCallback:
    provisions = any(item.spec.infra == "provision" for item in described)
    return progress() if provisions else current().progress


def _code(errors: Iterable[KitaruError], *, changed: bool, detailed: bool) -> int:
    for error in errors:
        return int(error.exit_code)
    return int(ExitCode.CHANGES if changed and detailed else ExitCode.DONE)
