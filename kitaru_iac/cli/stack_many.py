"""`kitaru stack preview` and `apply` with several descriptions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kitaru_iac.cli.infra import consent, progress, show_report
from kitaru_iac.cli.output import current
from kitaru_iac.errors import ExitCode, KitaruError

if TYPE_CHECKING:
    from kitaru_iac.callbacks import ConfirmCallback, ProgressCallback
    from kitaru_iac.spec.files import Described
    from kitaru_iac.stacks.outcomes import Outcome
    from kitaru_iac.stacks.several import PlannedStacks
    from kitaru_iac.stacks.source import Source

__all__ = ["Several", "apply_many", "outcome_lines", "preview_many", "warn_of"]

#: So many names stand in a question; the plan above it has them all.
_SAID = 5


@dataclass(frozen=True, slots=True)
class Several:
    """Several descriptions, and what the command line says about them as a whole.

    Attributes:
        described: The descriptions.
        files: As ``--file`` has them.
        parallel: So many stacks at the same time.
        take_back: As in `operations.apply`.
        prune: Whether stacks go that none of them describes.
        source: What they are called as a whole.
    """

    described: Sequence[Described]
    files: Sequence[str]
    parallel: int
    take_back: bool
    prune: bool = False
    source: str | None = None

    def planned(self, consent: ConfirmCallback | None = None) -> PlannedStacks:
        """Plan all of them.

        Args:
            consent: As in `plan_stack`.

        Raises:
            UsageError: They have to be a source, and are none.
        """
        from kitaru_iac.stacks.several import plan_several

        found = plan_several(
            self.described,
            self.as_source(),
            prune=self.prune,
            progress=_progress(self.described),
            consent=consent,
            show=show_report,
            take_back=self.take_back,
            parallel=self.parallel,
        )
        for warning in found.warnings:
            current().warn(warning)
        return found

    def as_source(self) -> Source | None:
        """What is kept on the stacks; None where that is not asked for.

        Raises:
            UsageError: The files are no source.
        """
        from kitaru_iac.stacks.several import source_for

        return source_for(self.files, self.source, prune=self.prune)


def preview_many(several: Several, *, out: str | None, detailed_exitcode: bool) -> int:
    """Show what `apply_many` would do."""
    from kitaru_iac.cli.applying import save_plan
    from kitaru_iac.render.plan import several as lines
    from kitaru_iac.render.plan_markdown import markdown

    say = current()
    found = several.planned()
    if out is not None:
        save_plan(found.plans, out)
    plan = found.to_dict()
    say.item(plan, lines(found.plans, say.style), lambda: markdown(plan))
    return _code(found.errors, changed=found.has_changes, detailed=detailed_exitcode)


def apply_many(
    several: Several, *, yes: bool, plan: str | None, fail_fast: bool, detailed_exitcode: bool
) -> int:
    """Apply several descriptions, prune where that is asked, and show what became of each."""
    from kitaru_iac.stacks.many import apply_all
    from kitaru_iac.stacks.planning import require_digest, saved_plan
    from kitaru_iac.stacks.several import apply_several

    out = current()
    reviewed = None if plan is None else saved_plan(plan)
    source = several.as_source()
    found, agreed = None, consent(yes=yes)
    if reviewed is not None or several.prune or not yes:
        found = several.planned(agreed)
        if reviewed is not None:
            require_digest(found.to_dict(), reviewed["digest"], reviewed, prunes=several.prune)
        elif yes:
            _tell(found)
        elif found.has_changes and not _ask(found):
            out.items([], ["Nothing was changed."])
            return int(ExitCode.FAILED)
    outcomes: list[Outcome] = []
    more: dict[str, Any] = {
        "fail_fast": fail_fast,
        "progress": _progress(several.described),
        "consent": agreed,
        "show": show_report,
        "take_back": several.take_back,
        "parallel": several.parallel,
    }
    try:
        if found is not None:
            apply_several(found, outcomes, **more)
        else:
            label = None if source is None else source.label
            apply_all(several.described, outcomes=outcomes, kept_source=label, **more)
    except KeyboardInterrupt as pressed:
        if outcomes:
            out.items([done.to_dict() for done in outcomes], outcome_lines(outcomes))
        raise _told(pressed, outcomes) from pressed
    warn_of(outcomes)
    out.items([outcome.to_dict() for outcome in outcomes], outcome_lines(outcomes))
    failed = [outcome.error for outcome in outcomes if outcome.error is not None]
    changed = any(outcome.status in {"applied", "pruned"} for outcome in outcomes)
    return _code(failed, changed=changed, detailed=detailed_exitcode)


def _told(pressed: KeyboardInterrupt, outcomes: Sequence[Outcome]) -> KeyboardInterrupt:
    """The interrupt of one stack's work, with the stacks that were applied before it."""
    from kitaru_iac.machine.interrupts import WorkInterrupted

    done = [outcome.name for outcome in outcomes if outcome.status == "applied"]
    if not done or type(pressed) is not WorkInterrupted:
        return pressed
    what = f"Stacks applied before: {', '.join(done)}. Of the one under way: {pressed.what}"
    return WorkInterrupted(what, left=pressed.left, remedy=pressed.remedy)


def warn_of(outcomes: Sequence[Outcome]) -> None:
    """Say what the user has to know of the stacks that were applied or deleted."""
    done = [outcome.applied or outcome.deleted for outcome in outcomes]
    for warning in (warning for one in done if one is not None for warning in one.warnings):
        current().warn(warning)


def outcome_lines(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Give a table of what became of each stack, and below it why some failed or were not begun."""
    from kitaru_iac.cli.tables import table

    out = current()
    rows = [(done.name, done.status, done.source) for done in outcomes]
    yield from table(out, ("STACK", "RESULT", "FILE"), rows)
    for done in outcomes:
        if done.error is not None:
            yield ""
            yield f"{out.style('Failed:', 'red', 'bold')} stack {done.name}"
            yield from (f"  {line}" for line in str(done.error).splitlines())
    skipped = sum(done.status == "skipped" for done in outcomes)
    if skipped and any(done.error is not None for done in outcomes):
        yield ""
        yield f"Not begun after that: {skipped} stack{'s' if skipped > 1 else ''}"


def _tell(found: PlannedStacks) -> None:
    """Show on stderr what is pruned without asking."""
    from kitaru_iac.render.plan import several

    gone = [item.planned for item in found.pruned]
    if gone:
        out = current()
        for line in several(gone, out.error_style):
            out.note(line)


def _ask(found: PlannedStacks) -> bool:
    from kitaru_iac.cli.terminal import confirm
    from kitaru_iac.render.plan import several

    out = current()
    for line in several(found.plans, out.error_style):
        out.note(line)
    gone = [item.name for item in found.pruned if item.error is None]
    question = "Apply these changes?"
    if gone:
        question = f"Apply these changes, and delete {_counted(gone)}?"
    return confirm(question, remedy="Run it again with --yes.")


def _counted(names: Sequence[str]) -> str:
    said = ", ".join(names[:_SAID]) + (", …" if len(names) > _SAID else "")
    return f"{'1 stack' if len(names) == 1 else f'{len(names)} stacks'} ({said})"


def _progress(described: Sequence[Described]) -> ProgressCallback:
    provisions = any(item.spec.infra == "provision" for item in described)
    return progress() if provisions else current().progress


def _code(errors: Iterable[KitaruError], *, changed: bool, detailed: bool) -> int:
    for error in errors:
        return int(error.exit_code)
    return int(ExitCode.CHANGES if changed and detailed else ExitCode.DONE)
