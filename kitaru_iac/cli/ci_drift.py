"""`kitaru ci drift`: look for drift in a scheduled job; one issue for each stack that has it."""

from __future__ import annotations

import hashlib
import shlex
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from kitaru_iac.cli.ci_job import failure_handed_on, host_here, require_id
from kitaru_iac.cli.options import MORE, DriftCode, StackRefs
from kitaru_iac.cli.output import current
from kitaru_iac.errors import ExitCode
from kitaru_iac.patterns import compiled

if TYPE_CHECKING:
    from kitaru_iac.hosts.model import Host
    from kitaru_iac.stacks.watch import StackDrift

__all__ = ["OUTPUTS", "drift"]

#: The outputs of a job that looks for drift; all are there after a failure too.
OUTPUTS: Final = ("drifted", "unknown", "failed")
#: What GitHub takes of an issue, less what stands around the differences in it.
_LONGEST: Final = 60_000
_NAME: Final = compiled(r"[a-zA-Z0-9._/-]{1,50}")

_Id = Annotated[
    str,
    typer.Option(
        "--id",
        metavar="ID",
        help="Tells this job's issues from those of another store in the same repository.",
        rich_help_panel=MORE,
    ),
]
_Issue = Annotated[
    bool,
    typer.Option(
        "--issue/--no-issue",
        help="Whether an issue is kept for each stack that has drifted.",
        rich_help_panel=MORE,
    ),
]


def drift(
    stacks: StackRefs = None,
    detailed_exitcode: DriftCode = False,
    id: _Id = "stacks",
    issue: _Issue = True,
) -> int:
    """Look for drift, and keep one issue for each stack that has it.

    An issue is opened where there is drift, brought up to date, and closed where there is none any
    more; where that cannot be told it stays as it is. Neither store nor cloud is written to.

    Examples:
        kitaru ci drift
        kitaru ci drift prod-k8s --detailed-exitcode
    """
    from kitaru_iac.cli.stack_drift import code
    from kitaru_iac.render.drift import lines, markdown
    from kitaru_iac.stacks.watch import Finding, look

    require_id(id)
    out = current()
    host = host_here()
    with failure_handed_on(host, OUTPUTS):
        found = look(stacks or (), progress=out.progress)
    told = [item.to_dict() for item in found]
    counts = {
        "drifted": sum(item.finding is Finding.DRIFT for item in found),
        "unknown": sum(bool(item.unknown) for item in found),
        "failed": 0,
    }
    host.outputs({name: str(count) for name, count in counts.items()})
    host.summary(markdown(told))
    out.items(told, lines(told, out.style))
    if issue:
        _keep_issues(host, id, found)
    return code(found) if detailed_exitcode else int(ExitCode.DONE)


def _keep_issues(host: Host, id: str, found: tuple[StackDrift, ...]) -> None:
    """Bring the issues up to date, each of them before the first failure is told.

    Raises:
        HostError: The host did not take one.
    """
    from kitaru_iac.hosts.errors import HostError
    from kitaru_iac.hosts.model import Outcome
    from kitaru_iac.render.escaping import one_line
    from kitaru_iac.stacks.watch import Finding

    failures: list[HostError] = []
    for item in found:
        if item.finding is Finding.UNKNOWN:
            continue
        title = f"Drift: stack {one_line(item.stack)}"
        is_open = item.finding is Finding.DRIFT
        try:
            said = host.issue(_key(id, item.stack), title, _body(item.to_dict()), is_open=is_open)
        except HostError as error:
            failures.append(error)
            continue
        if said is not Outcome.NONE:
            current().note(f"Issue on {host.name} for stack {item.stack}: {said.value}")
    if failures:
        raise failures[0]


def _key(id: str, stack: str) -> str:
    """What tells a stack's issue from all others; a name that no marker takes by its digest."""
    if _NAME.fullmatch(stack) and "--" not in stack and not stack.endswith("-"):
        return f"drift/{id}/name/{stack}"
    return f"drift/{id}/digest/{hashlib.sha256(stack.encode()).hexdigest()[:40]}"


def _body(told: dict[str, Any]) -> str:
    from kitaru_iac.render.drift import one_markdown
    from kitaru_iac.render.escaping import code

    name = code(told["stack"])
    if told["finding"] != "drift":
        return f"Stack {name} is as it was applied.\n"
    differences = one_markdown(told)
    if len(differences) > _LONGEST:
        differences = "What differs is too long for an issue.\n"
    see = code(f"kitaru stack drift {shlex.quote(told['stack'])}")
    return (
        f"Stack {name} is not any more what was applied.\n\n{differences}\n"
        f"See it with {see}. Apply the stack's description to put it back, or change the "
        "description. This issue is closed when the drift is gone.\n"
    )
