"""`kitaru ci`: preview, apply and verify in a job, and say so where the change is discussed."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from kitaru_iac.checks.model import CheckStatus
from kitaru_iac.cli.ci_again import applied_marks, require_turn
from kitaru_iac.cli.ci_job import (
    LONGEST,
    PLAN_FILE,
    Comment,
    PlanFile,
    Reviewed,
    exit_code,
    failure_commented,
    hand_on,
    host_here,
    require_id,
    require_kept_state,
    require_one,
    reviewed_digest,
    show_plans,
    tell_plans,
    trusted,
    with_digest,
)
from kitaru_iac.cli.infra import consent
from kitaru_iac.cli.options import MORE, Prune, SourceName
from kitaru_iac.cli.output import current
from kitaru_iac.errors import ExitCode, PlanMoved, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kitaru_iac.checks.model import CheckInfo, CheckReport
    from kitaru_iac.hosts.model import Host, Proposal
    from kitaru_iac.render.source import SourceFile
    from kitaru_iac.stacks.outcomes import Outcome
    from kitaru_iac.stacks.several import PlannedStacks

__all__ = ["apply", "preview", "verify"]

#: What became of a stack that is as it is described, or gone.
_DONE: Final = frozenset({"applied", "unchanged", "pruned"})

_Files = Annotated[
    list[str],
    typer.Option(
        "--file",
        "-f",
        metavar="PATH",
        help="A file with one description or more, or a folder of such files. May be repeated.",
    ),
]
_Id = Annotated[
    str,
    typer.Option(
        "--id",
        metavar="ID",
        help="Tells this job's comment from that of another one on the same request.",
        rich_help_panel=MORE,
    ),
]
_Unreviewed = Annotated[
    bool,
    typer.Option(
        "--unreviewed",
        help="Apply whatever is to be done now, whether somebody saw it or not.",
        rich_help_panel=MORE,
    ),
]


def preview(
    file: _Files,
    out: PlanFile = PLAN_FILE,
    prune: Prune = False,
    source: SourceName = None,
    id: _Id = "stacks",
    comment: Comment = True,
) -> int:
    """Show what a change of descriptions would do, on its pull or merge request.

    Writes nothing but the plan's file, the one comment of this id, and the outputs, summary and
    widget of the job.

    Examples:
        kitaru ci preview -f stacks/
        kitaru ci preview -f stacks/ --prune
        kitaru ci preview -f dev.yaml -f prod.yaml --id all
    """
    from kitaru_iac.cli.applying import save_plan

    require_id(id)
    host = host_here()
    request = host.proposal
    key = f"preview/{id}"
    with trusted(host), failure_commented(host, key, comment=comment):
        planned = _planned(host, file, source, prune=prune)
        save_plan(planned.plans, out)
    plan = planned.to_dict()
    body = with_digest(plan, planned.warnings)
    hand_on(host, plan, out, plan["summary"]["failed"])
    host.summary(body)
    show_plans(plan, planned.plans)
    if comment and request is not None and not request.is_fork:
        said = host.comment(key, body, request.number, is_news=_is_news(plan))
        current().note(f"Comment on {host.name}: {said.value}")
    return exit_code(planned.errors, plan["summary"]["checks_failed"])


def apply(
    file: _Files,
    plan: Annotated[
        str | None,
        typer.Option(
            "--plan",
            metavar="FILE",
            help="The reviewed plan, as kitaru ci preview wrote it. Left out, its digest is taken "
            "from the comment on the request that was merged.",
        ),
    ] = None,
    digest: Annotated[
        str | None,
        typer.Option(
            "--digest",
            metavar="DIGEST",
            help="That of a plan that somebody reviewed elsewhere, as in a job's summary.",
            rich_help_panel=MORE,
        ),
    ] = None,
    unreviewed: _Unreviewed = False,
    prune: Prune = False,
    source: SourceName = None,
    id: _Id = "stacks",
    comment: Comment = True,
) -> int:
    """Apply what was reviewed, and nothing else.

    A fresh plan has to have the digest of the reviewed one, or be what a run that failed half-way
    left to do of it; else nothing is done, and the job shows the fresh plan. One failure
    does not stop the other stacks; but nothing is pruned after one. Give `--prune` and `--source`
    as to the preview.

    Examples:
        kitaru ci apply -f stacks/
        kitaru ci apply -f stacks/ --prune
        kitaru ci apply -f stacks/ --plan kitaru-plan.json
    """
    from kitaru_iac.stacks.planning import saved_plan

    require_id(id)
    require_one(plan, digest)
    if unreviewed and (plan is not None or digest is not None):
        raise UsageError("--plan or --digest and --unreviewed contradict each other")
    host = host_here()
    with trusted(host):
        request = host.merged()
        reviewed = saved_plan(plan) if plan is not None else None
        planned = _planned(host, file, source, prune=prune, to_apply=True)
        fresh = planned.to_dict()
        seen = fresh["digest"]
        if not unreviewed:
            known = Reviewed(digest, {}) if digest is not None else None
            ask = partial(_said, host, request, id, fresh)
            seen = _require_reviewed(host, planned, reviewed, lambda: known or ask(), prunes=prune)
    outcomes = _carried_out(host, planned, fresh, plan)
    if comment and request is not None and not request.is_fork:
        key, done = f"apply/{id}", {one.name for one in outcomes if one.status in _DONE}
        marks = applied_marks(host, request, key, fresh, seen, done)
        body = _table(outcomes, planned, LONGEST - len(marks)) + marks
        said = host.comment(key, body, request.number)
        current().note(f"Comment on {host.name}: {said.value}")
    return exit_code([one.error for one in outcomes if one.error is not None], 0)


def verify(
    file: _Files,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 3 too if a check ends as unknown.")
    ] = False,
    sarif: Annotated[
        str | None, typer.Option("--sarif", metavar="FILE", help="Where to write SARIF.")
    ] = None,
    junit: Annotated[
        str | None, typer.Option("--junit", metavar="FILE", help="Where to write JUnit XML.")
    ] = None,
    id: _Id = "stacks",
    comment: Comment = True,
) -> int:
    """Check the infrastructure of all described stacks, and write reports.

    On a pull or merge request one comment says what needs care, as long as something does.

    Examples:
        kitaru ci verify -f stacks/ --sarif kitaru.sarif
        kitaru ci verify -f stacks/ --junit kitaru.xml --strict
    """
    from kitaru_iac.hosts.errors import HostError
    from kitaru_iac.infrastructure.verify import catalog
    from kitaru_iac.infrastructure.verify import verify as run
    from kitaru_iac.machine.project import description_defaults
    from kitaru_iac.render import report as rendered
    from kitaru_iac.render.source import source_of
    from kitaru_iac.spec.files import documents_in, load_all

    require_id(id)
    host = host_here()
    request, key = host.proposal, f"verify/{id}"
    with trusted(host), failure_commented(host, key, comment=comment):
        documents, every = documents_in(file), catalog()
        described = load_all(documents, description_defaults())
        reports = [
            (run(item.spec), source_of(document, every))
            for item, document in zip(described, documents, strict=True)
        ]
        _write(reports, every, sarif, junit)
    counted = {
        "checks_failed": sum(report.count(CheckStatus.FAIL) for report, _ in reports),
        "checks_unknown": sum(report.count(CheckStatus.UNKNOWN) for report, _ in reports),
    }
    host.outputs({key: str(count) for key, count in counted.items()})
    host.summary("\n".join(rendered.markdown(report) for report, _ in reports))
    out = current()
    lines = (line for report, _ in reports for line in rendered.text(report, out.style))
    out.items([report.to_dict() for report, _ in reports], lines)
    if comment and request is not None and not request.is_fork:
        found = [report for report, _ in reports]
        is_news = any(report.worst not in (None, CheckStatus.OK) for report in found)
        body = rendered.several(found, LONGEST)
        try:
            said = host.comment(key, body, request.number, is_news=is_news).value
        except HostError as error:  # what was found counts, with or without the right to comment
            said = f"none: {error}"
        out.note(f"Comment on {host.name}: {said}")
    stops = counted["checks_failed"] or (strict and counted["checks_unknown"])
    return int(ExitCode.CHECK_FAILED if stops else ExitCode.DONE)


def _write(
    reports: Sequence[tuple[CheckReport, SourceFile | None]],
    every: Sequence[CheckInfo],
    sarif: str | None,
    junit: str | None,
) -> None:
    """Write the reports that were asked for."""
    from kitaru_iac.cli.whole_file import write_whole

    if sarif is not None:
        from kitaru_iac._version import __version__
        from kitaru_iac.render.sarif import sarif as as_sarif

        text = as_sarif(reports, every, __version__)
        write_whole(Path(sarif), text, over=lambda begin: "sarif-2.1.0" in begin)
    if junit is not None:
        from kitaru_iac.render.junit import junit as as_junit

        write_whole(Path(junit), as_junit(reports), over=lambda begin: "<testsuites" in begin)


def _carried_out(
    host: Host, planned: PlannedStacks, fresh: Mapping[str, Any], plan: str | None
) -> list[Outcome]:
    """Do what was planned, and say what became of each stack, whatever happens."""
    from kitaru_iac.cli.stack_many import outcome_lines, warn_of
    from kitaru_iac.stacks.several import apply_several

    outcomes: list[Outcome] = []
    try:
        apply_several(planned, outcomes, progress=current().progress, consent=consent(yes=True))
    finally:
        hand_on(host, fresh, plan, sum(one.error is not None for one in outcomes))
        host.summary(_table(outcomes, planned, LONGEST))
        warn_of(outcomes)
        if outcomes:
            current().items([one.to_dict() for one in outcomes], outcome_lines(outcomes))
    return outcomes


def _table(outcomes: Sequence[Outcome], planned: PlannedStacks, limit: int) -> str:
    from kitaru_iac.render.results import markdown

    return markdown([one.to_dict() for one in outcomes], len(planned.plans), limit)


def _said(host: Host, request: Proposal | None, id: str, fresh: Mapping[str, Any]) -> Reviewed:
    """What the comment on the merged request says, if this job may still do it."""
    found = reviewed_digest(host, request, id)
    require_turn(host, request, f"apply/{id}", fresh, found.digest, _by_digest(fresh))
    return found


def _by_digest(fresh: Mapping[str, Any]) -> str:
    shown = "`kitaru stack preview`" if current().structured else "what stands above"
    return f"Review {shown}, and apply just that with: --digest {fresh['digest']}"


def _require_reviewed(
    host: Host,
    planned: PlannedStacks,
    reviewed: Mapping[str, Any] | None,
    said: Callable[[], Reviewed],
    *,
    prunes: bool,
) -> str:
    """Refuse a plan that is neither what was reviewed, in a file or by its digest, nor its rest.

    Where nothing would change, nothing has to have been reviewed.

    Returns:
        The digest that was reviewed, or that of nothing to do.

    Raises:
        PlanMoved: It is another one, or was done before; the job's log and summary show it.
        UsageError: None was reviewed.
    """
    from kitaru_iac.plan.remains import is_rest_of, parts_of
    from kitaru_iac.stacks.planning import require_digest

    fresh = planned.to_dict()
    try:
        if reviewed is not None:
            known = Reviewed(reviewed["digest"], parts_of(reviewed))
        elif _needs_review(fresh):
            known = said()
        else:
            return str(fresh["digest"])
        if not (known.parts and is_rest_of(known.parts, fresh, prunes=prunes)):
            again = _by_digest(fresh)
            require_digest(fresh, known.digest, reviewed, remedy=again, prunes=prunes)
    except PlanMoved:
        host.summary(with_digest(fresh))
        tell_plans(planned.plans, fresh["digest"])
        raise
    return known.digest


def _is_news(plan: Mapping[str, Any]) -> bool:
    """Whether a plan would do anything, or could not be made whole."""
    return bool(plan["summary"]["with_changes"] or plan["summary"]["failed"])


def _needs_review(plan: Mapping[str, Any]) -> bool:
    """Whether a plan does more than write secrets, of which no review says anything."""
    from kitaru_iac.plan.document import needs_review

    changes = (change for entry in plan["stacks"] for change in entry["changes"])
    return bool(plan["summary"]["failed"]) or any(map(needs_review, changes))


def _planned(
    host: Host, files: Sequence[str], source: str | None, *, prune: bool, to_apply: bool = False
) -> PlannedStacks:
    """Plan all of them; to apply the plan, the engine may be fetched."""
    from kitaru_iac.machine.project import description_defaults
    from kitaru_iac.spec.files import read_all
    from kitaru_iac.stacks.several import plan_several, source_for

    described = read_all(files, description_defaults())
    require_kept_state(host, (item.spec for item in described))
    kept = source_for(files, source, prune=prune)
    found = plan_several(
        described,
        kept,
        prune=prune,
        progress=current().progress,
        consent=consent(yes=True) if to_apply else None,
    )
    for warning in found.warnings:
        current().warn(warning)
    return found
