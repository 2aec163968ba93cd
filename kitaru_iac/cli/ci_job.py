"""What the commands of `kitaru ci` share: the host, its outputs, the digest reviewed there."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from kitaru_iac.cli.options import MORE
from kitaru_iac.cli.output import current
from kitaru_iac.errors import ExitCode, KitaruError, UsageError
from kitaru_iac.patterns import compiled
from kitaru_iac.render.escaping import code_block, escaped
from kitaru_iac.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitaru_iac.hosts.model import Host, Proposal
    from kitaru_iac.notices import KitaruWarning
    from kitaru_iac.plan.document import StackPlan
    from kitaru_iac.plan.remains import Parts
    from kitaru_iac.spec.model import StackSpec

__all__ = [
    "LONGEST",
    "OUTPUTS",
    "PLAN_FILE",
    "Comment",
    "PlanFile",
    "Reviewed",
    "exit_code",
    "failure_commented",
    "failure_handed_on",
    "hand_on",
    "host_here",
    "require_id",
    "require_kept_state",
    "require_one",
    "reviewed_digest",
    "show_plans",
    "tell_plans",
    "trusted",
    "with_digest",
]

#: Whether a command puts its one comment on the request.
Comment = Annotated[
    bool,
    typer.Option(
        "--comment/--no-comment",
        help="Whether the result is put on the request as a comment.",
        rich_help_panel=MORE,
    ),
]
#: Where a preview writes its plan; see `PLAN_FILE`.
PlanFile = Annotated[
    str,
    typer.Option("--out", metavar="FILE", help="Where the plan is written to, as JSON."),
]
#: Where that is, unless told otherwise.
PLAN_FILE: Final = "kitaru-plan.json"
#: What GitHub takes of a comment, less what stands around a plan in it.
LONGEST: Final = 64_000
#: The digests in a comment: those of the parts, and that of the plan.
_SAID: Final = r"(?:^<!-- parts: ([-=0-9a-f ]+) -->\n)?^<!-- plan: (sha256:[0-9a-f]{64}) -->$"
#: Of so many stacks the digests have room beside a plan.
_MOST_PARTS: Final = 300
#: So many warnings of no stack's plan have room, and so much of each.
_MOST_WARNINGS: Final = 20
_LONGEST_WARNING: Final = 300
_DIGEST: Final = compiled(r"sha256:[0-9a-f]{64}")
_JOB: Final = compiled(r"[a-zA-Z0-9][a-zA-Z0-9._]{0,30}")
#: Events whose jobs have secrets, and may have been set off by anybody's request.
_OPEN_EVENTS: Final = ("pull_request_target", "workflow_run", "issue_comment")

#: The outputs of a job that plans or applies; all are there after a failure too.
OUTPUTS: Final = (
    *("has_changes", "create", "update", "replace", "delete", "failed", "checks_failed"),
    *("plan_digest", "plan_path"),
)


def require_id(id: str) -> None:
    """Refuse an id that would not fit into a marker, before anything is done.

    Raises:
        UsageError: It has other signs, or too many.
    """
    if not _JOB.fullmatch(id):
        raise UsageError(
            "This is no id of a job",
            where="--id",
            remedy="Use up to 31 letters, digits, dots and underscores.",
        )


def require_one(plan: str | None, digest: str | None) -> None:
    """Refuse two ways of saying which plan was reviewed, and what is no digest.

    Raises:
        UsageError: Both are given, or the digest is none.
    """
    if plan is not None and digest is not None:
        raise UsageError("--plan and --digest say the same: give one of them")
    if digest is not None and not _DIGEST.fullmatch(digest):
        raise UsageError(
            "This is no digest", where="--digest", why="One is `sha256:` and 64 hexadecimal digits."
        )


def host_here() -> Host:
    """Find the code host whose job this is."""
    from kitaru_iac.hosts.registry import host_of

    return host_of(os.environ)


@contextmanager
def trusted(host: Host) -> Iterator[None]:
    """Read no stranger's descriptions where this job has secrets; as `failure_handed_on` for all.

    A description says where requests go, and which variables and files hold credentials.
    """
    with failure_handed_on(host):
        _refuse_strangers(host.proposal)
        yield


def _refuse_strangers(request: Proposal | None) -> None:
    event = os.environ.get("GITHUB_EVENT_NAME", "")
    if event in _OPEN_EVENTS and (request is None or request.is_fork):
        where = f"the event {event}"
        remedy = "Run it for the event `pull_request`, which has no secrets on forks."
    elif request is not None and request.is_fork and _is_run_for_a_fork(os.environ):
        where = f"merge request !{request.number}, from a fork"
        remedy = "Run it in the fork's own project, or push what was reviewed to a branch here."
    else:
        return
    raise UsageError(
        "This job has the repository's secrets, and reads what a stranger may have written",
        where=where,
        why="A description names the variables and files that hold credentials, and the "
        "servers that they are sent to.",
        remedy=remedy,
    )


def _is_run_for_a_fork(environ: Mapping[str, str]) -> bool:
    """Whether GitLab runs a fork's pipeline in the project that the request goes to.

    Source: https://docs.gitlab.com/ci/pipelines/merge_request_pipelines/#use-with-forked-projects
    """
    source = environ.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID")
    return environ.get("GITLAB_CI") == "true" and environ.get("CI_PROJECT_ID") != source


def require_kept_state(host: Host, specs: Iterable[StackSpec]) -> None:
    """Refuse to make, or look for, infrastructure with a state that is gone with the job's machine.

    Raises:
        UsageError: A description provisions, on a code host, and no backend is given.
    """
    from kitaru_iac.hosts.plain import NoHost

    if isinstance(host, NoHost) or os.environ.get("PULUMI_BACKEND_URL", "").strip():
        return
    if made := [spec.name for spec in specs if spec.infra == "provision"]:
        from kitaru_iac.engine.workspace import own_backend  # with Pulumi

        raise UsageError(
            "The state of provisioned infrastructure may be lost with this job",
            where=f"infra: provision of {', '.join(map(repr, made))}",
            why=f"Most jobs on {host.name} keep no files, and PULUMI_BACKEND_URL is not set.",
            remedy="Set PULUMI_BACKEND_URL to a backend that all jobs reach, "
            "and PULUMI_CONFIG_PASSPHRASE. On a runner that keeps its home: "
            f"export PULUMI_BACKEND_URL={shlex.quote(own_backend().url)}",
        )


def with_digest(plan: Mapping[str, Any], warnings: Sequence[KitaruWarning] = ()) -> str:
    """Write a plan for a comment, with the digests that `reviewed_digest` reads from it again.

    Args:
        plan: The plan's document.
        warnings: What is to be known besides.
    """
    from kitaru_iac.plan.remains import parts_of, written_parts
    from kitaru_iac.render.plan_markdown import markdown

    digest, parts = plan["digest"], ""
    if 1 < len(plan["stacks"]) <= _MOST_PARTS:
        parts = f"<!-- parts: {written_parts(parts_of(plan))} -->\n"
    told = _told(warnings)
    text = markdown(plan, LONGEST - len(parts) - len(told))
    return f"{text}{told}\nPlan `{digest}`\n{parts}<!-- plan: {digest} -->\n"


def _told(warnings: Sequence[KitaruWarning]) -> str:
    lines = [f"- {escaped(warning.text[:_LONGEST_WARNING])}" for warning in warnings]
    more = len(lines) - _MOST_WARNINGS
    if more > 0:
        lines = [*lines[:_MOST_WARNINGS], f"- and {more} more"]
    return "\n".join(["", "**Warnings**", "", *lines, ""]) if lines else ""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What a comment of ours says of the plan that it shows.

    Attributes:
        digest: The plan's.
        parts: Those of its stacks; none of a plan of one stack, or of very many.
    """

    digest: str
    parts: Parts


def reviewed_digest(
    host: Host,
    request: Proposal | None,
    id: str,
    kind: str = "preview",
    otherwise: str = "say --unreviewed",
) -> Reviewed:
    """Read the digests that our comment on the merged request says, and nobody has edited.

    Args:
        host: The host.
        request: The request by whose merge the job's commit came.
        id: The job's or the stack's, which is in the comment's marker.
        kind: The command that writes the comment, before it there.
        otherwise: What else the command takes, for the remedy.

    Raises:
        UsageError: No plan was reviewed, as far as this host shows.
    """
    from kitaru_iac.plan.remains import parts_in

    if request is not None:
        for note in host.notes(f"{kind}/{id}", request.number):
            if found := re.findall(_SAID, note.body, re.M):
                parts, digest = found[-1]
                return Reviewed(digest, parts_in(parts))
    what = "the commit came by no request" if request is None else "no comment of ours is on it"
    raise UsageError(
        "There is no reviewed plan for this commit",
        where=host.name,
        why=f"As far as {host.name} shows, {what}; one that a person wrote or edited is none.",
        remedy=f"Give the plan with --plan FILE, or {otherwise}.",
    )


def hand_on(host: Host, plan: Mapping[str, Any], path: str | None, failed: int) -> None:
    """Hand a plan's counts on to the host's widget and to later steps.

    Args:
        host: The host.
        plan: The plan's document.
        path: The plan's file, if it is in one.
        failed: How many stacks failed.
    """
    counted = plan["summary"]
    host.counts(
        counted["create"] + counted["replace"],
        counted["update"],
        counted["delete"] + counted["replace"],
    )
    host.outputs(
        {
            "has_changes": "true" if counted["with_changes"] else "false",
            **{key: str(counted[key]) for key in ("create", "update", "replace", "delete")},
            "failed": str(failed),
            "checks_failed": str(counted["checks_failed"]),
            "plan_digest": plan["digest"],
            "plan_path": "" if path is None else str(Path(path).resolve()),
        }
    )


def show_plans(plan: Mapping[str, Any], plans: Sequence[StackPlan]) -> None:
    """Print the plans as text, or their document."""
    from kitaru_iac.render.plan import several

    out = current()
    out.item(plan, several(plans, out.style))


def tell_plans(plans: Sequence[StackPlan], digest: str) -> None:
    """Show plans that were refused on stderr, and by which digest they can be applied."""
    from kitaru_iac.render.plan import several

    out = current()
    for line in several(plans, out.error_style):
        out.note(line)
    out.note(f"Digest: {digest}")


def exit_code(errors: Sequence[KitaruError], checks_failed: int) -> int:
    """Give the exit code: that of the first error, or that of checks that failed."""
    if errors:
        return int(errors[0].exit_code)
    return int(ExitCode.CHECK_FAILED if checks_failed else ExitCode.DONE)


@contextmanager
def failure_handed_on(host: Host, outputs: Sequence[str] = OUTPUTS) -> Iterator[None]:
    """Say on the host too why there is no result, and that no older one holds any more."""
    try:
        yield
    except KitaruError as error:
        host.outputs({**dict.fromkeys(outputs, ""), "failed": "1"})
        host.summary(_failed(error))
        raise


@contextmanager
def failure_commented(host: Host, key: str, *, comment: bool) -> Iterator[None]:
    """Let no comment show a plan of before once there is none: a reader would take it for today's.

    Args:
        host: The host.
        key: The comment's. Where there is none, none is made.
        comment: Whether the job comments at all.
    """
    request = host.proposal
    try:
        yield
    except KitaruError as error:
        if comment and request is not None and not request.is_fork:
            with suppress(KitaruError):  # why there is no plan is what has to be known
                host.comment(key, _failed(error), request.number, is_news=False)
        raise


def _failed(error: KitaruError) -> str:
    return f"### Failed\n\n{code_block(str(error.to_dict()['message'])[:LONGEST], 'text')}\n"
