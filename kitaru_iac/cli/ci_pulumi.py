"""`kitaru ci pulumi-preview`, `pulumi-up`, `pulumi-drift`: a Pulumi project's stack in a job.

The plan is the same document as that of described stacks, of the resources in Pulumi's hands; so it
has a digest, goes into one comment, and is applied only as it was reviewed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from kitaru_iac.cli.ci_again import applied_marks, require_turn
from kitaru_iac.cli.ci_job import (
    LONGEST,
    PLAN_FILE,
    Comment,
    PlanFile,
    failure_commented,
    hand_on,
    host_here,
    require_one,
    reviewed_digest,
    trusted,
    with_digest,
)
from kitaru_iac.cli.output import current
from kitaru_iac.errors import ExitCode, UsageError
from kitaru_iac.patterns import compiled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitaru_iac.engine.project import Project
    from kitaru_iac.hosts.model import Host, Proposal
    from kitaru_iac.plan.document import StackPlan

__all__ = ["drift", "preview", "up"]

#: What Pulumi takes of a stack's name, with the organization and the project before it.
_STACK: Final = compiled(r"[A-Za-z0-9._][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9._-]{1,100}){0,2}")
_PREVIEW: Final = "pulumi-preview"
_UP: Final = "pulumi-up"

_Stack = Annotated[
    str,
    typer.Argument(metavar="STACK", help="The Pulumi stack, as `pulumi stack ls` lists it."),
]


def preview(
    stack: _Stack,
    out: PlanFile = PLAN_FILE,
    comment: Comment = True,
) -> int:
    """Show on its pull or merge request what `pulumi up` would do to a stack.

    Writes nothing but the plan's file, the one comment of this stack, and the outputs, summary and
    widget of the job. It looks at what exists too (`--refresh`), and keeps none of that.

    Examples:
        kitaru ci pulumi-preview dev
        kitaru ci pulumi-preview prod --out prod-plan.json
    """
    from kitaru_iac.cli.applying import save_plan
    from kitaru_iac.plan.document import document

    _require_stack(stack)
    host = host_here()
    request = host.proposal
    with trusted(host), _project() as (project, update_plan):
        key = _key(_PREVIEW, project, stack)
        with failure_commented(host, key, comment=comment):
            planned = _plan(project, stack, update_plan)
            save_plan([planned], out)
    plan = document([planned])
    body = with_digest(plan)
    hand_on(host, plan, out, 0)
    host.summary(body)
    _tell(plan, planned)
    if comment and request is not None and not request.is_fork:
        said = host.comment(key, body, request.number, is_news=planned.plan.has_changes)
        current().note(f"Comment on {host.name}: {said.value}")
    return int(ExitCode.DONE)


def up(
    stack: _Stack,
    plan: Annotated[
        str | None,
        typer.Option(
            "--plan",
            metavar="FILE",
            help="The reviewed plan, as kitaru ci pulumi-preview wrote it. Left out, its digest is "
            "taken from the comment on the request that was merged.",
        ),
    ] = None,
    digest: Annotated[
        str | None,
        typer.Option(
            "--digest",
            metavar="DIGEST",
            help="The digest of the plan that was reviewed, as a preview, an issue or the summary "
            "of a job shows it.",
        ),
    ] = None,
    comment: Comment = True,
) -> int:
    """Update a stack of a Pulumi project as it was reviewed, and not otherwise.

    A fresh preview has to have the digest of the reviewed one; else nothing is done. The update is
    then held to the engine's own plan of that preview. Where nothing would change, nothing has to
    have been reviewed.

    Examples:
        kitaru ci pulumi-up dev
        kitaru ci pulumi-up prod --plan kitaru-plan.json
    """
    from kitaru_iac.cli.plans import tell_plan
    from kitaru_iac.plan.document import document
    from kitaru_iac.stacks.planning import require_digest, saved_plan

    _require_stack(stack)
    require_one(plan, digest)
    host = host_here()
    with trusted(host), _project() as (project, update_plan):
        reviewed = None if plan is None else saved_plan(plan)
        request = host.merged()
        planned = _plan(project, stack, update_plan)
        fresh = document([planned])
        body = with_digest(fresh)
        # Before it is compared: what is refused can be reviewed here, and applied by its digest.
        host.summary(body)
        tell_plan(planned.plan)
        current().note(f"Digest: {fresh['digest']}")
        known = fresh["digest"]
        if planned.plan.has_changes:
            known = digest or (reviewed or {}).get("digest")
            again = f"Review what stands above, and apply it with: --digest {fresh['digest']}"
            if known is None:
                known = _reviewed(host, request, project, stack)
                require_turn(host, request, _key(_UP, project, stack), fresh, known, again)
            require_digest(fresh, known, reviewed, remedy=again)
        project.up(stack, update_plan)
    hand_on(host, fresh, plan, 0)
    current().item(fresh, [f"Stack {stack} is up to date."])
    if comment and request is not None and not request.is_fork:
        key, news = _key(_UP, project, stack), planned.plan.has_changes
        marks = applied_marks(host, request, key, fresh, known, {stack})
        done = f"### Stack `{stack}` is up to date\n\n{body}{marks}"
        said = host.comment(key, done, request.number, is_news=news)
        current().note(f"Comment on {host.name}: {said.value}")
    return int(ExitCode.DONE)


def drift(
    stack: _Stack,
    detailed_exitcode: Annotated[
        bool,
        typer.Option("--detailed-exitcode", help="Exit with 2 where something has drifted."),
    ] = False,
) -> int:
    """Compare a Pulumi stack with what exists, and keep one issue about it.

    The issue is opened, brought up to date, reopened and closed. It says the digest of what would
    put things right: `kitaru ci pulumi-up STACK --digest DIGEST`.

    Examples:
        kitaru ci pulumi-drift prod
        kitaru ci pulumi-drift prod --detailed-exitcode
    """
    from kitaru_iac.plan.document import document
    from kitaru_iac.render.plan_markdown import markdown

    _require_stack(stack)
    host = host_here()
    with trusted(host), _project() as (project, update_plan):
        planned = _plan(project, stack, update_plan)
    plan = document([planned])
    has_changes = planned.plan.has_changes
    remedy = f"`kitaru ci pulumi-up {stack} --digest {plan['digest']}` does this, and nothing else."
    body = f"{markdown(plan, LONGEST)}\n{remedy if has_changes else ''}\n"
    hand_on(host, plan, None, 0)
    host.summary(body)
    _tell(plan, planned)
    title = f"Stack {stack} is not as its program describes it"
    said = host.issue(_key("pulumi-drift", project, stack), title, body, is_open=has_changes)
    current().note(f"Issue on {host.name}: {said.value}")
    return int(ExitCode.CHANGES if has_changes and detailed_exitcode else ExitCode.DONE)


def _require_stack(stack: str) -> None:
    if not _STACK.fullmatch(stack):
        raise UsageError(
            "This is no name of a Pulumi stack",
            where="STACK",
            why="One is letters, digits, '-', '_' and '.'; its organization and project may stand "
            "before it, as ORGANIZATION/PROJECT/STACK.",
        )


def _reviewed(host: Host, request: Proposal | None, project: Project, stack: str) -> str:
    kind, _, name = _key(_PREVIEW, project, stack).partition("/")
    return reviewed_digest(host, request, name, kind, "say its digest with --digest").digest


@contextmanager
def _project() -> Iterator[tuple[Project, Path]]:
    """The project that the working directory is in, and a place for the engine's update plan.

    The plan holds the values of inputs, and of secrets in encrypted form: nobody else may read it.
    """
    from kitaru_iac.engine.install import ensure_engine
    from kitaru_iac.engine.project import Project, project_folder

    folder = project_folder(Path.cwd())
    engine = ensure_engine(progress=current().progress)
    with tempfile.TemporaryDirectory(prefix="kitaru-") as private:
        yield Project(folder, engine, current().progress), Path(private, "update-plan.json")


def _plan(project: Project, stack: str, update_plan: Path) -> StackPlan:
    from kitaru_iac.plan.document import StackPlan
    from kitaru_iac.plan.model import Plan

    return StackPlan(Plan(stack, project.preview(stack, update_plan).steps))


def _tell(plan: Mapping[str, Any], planned: StackPlan) -> None:
    """Print the plan, and its digest, by which it can be applied."""
    from kitaru_iac.render.plan import text

    out = current()
    out.item(plan, text(planned.plan, out.style))
    out.note(f"Digest: {plan['digest']}")


def _key(what: str, project: Project, stack: str) -> str:
    """The marker of a comment or an issue, for any name that a project and a stack may have."""
    from kitaru_iac.plan.canonical import sha256

    name = f"{project.name}/{stack}".lstrip("/")
    key = f"{what}/{name}"
    if len(key) <= 100 and "--" not in key:
        return key
    return f"{what}/{sha256(name).removeprefix('sha256:')[:16]}"
