"""The function `kitaru:index:verify`: the checks of a description, as a typed report."""

from __future__ import annotations

from typing import Any

from kitaru_iac.checks.model import CheckReport
from kitaru_iac.errors import Problem
from kitaru_iac.pulumi.keys import VERIFY_KEYS, camel
from kitaru_iac.pulumi.plugin.check import description, problems
from kitaru_iac.pulumi.plugin.wire import Properties
from kitaru_iac.spec import from_mapping

__all__ = ["VERIFY", "answer", "refused", "report_text", "verify"]

VERIFY = "kitaru:index:verify"
_ALLOW = "allowFailures"


def refused(arguments: Properties) -> list[Problem]:
    """What is wrong with the arguments of `verify`."""
    given = Properties(arguments.wire, _described(arguments), arguments.unknown - {_ALLOW})
    found = problems(given, "stack", VERIFY_KEYS)
    if not isinstance(arguments.values.get(_ALLOW, False), bool):
        found.append(Problem("allowFailures", "it has to be true or false"))
    return found


def _described(arguments: Properties) -> dict[str, Any]:
    """The description among the arguments."""
    return {key: value for key, value in arguments.values.items() if key != _ALLOW}


def verify(arguments: Properties) -> tuple[CheckReport, bool]:
    """Run the checks.

    Returns:
        The report, and whether a failed check is to end the preview.

    Raises:
        KitaruError: The checks could not be run at all.
    """
    from kitaru_iac.infrastructure.verify import verify as run

    report = run(from_mapping(description(_described(arguments), "stack")))
    return report, report.failed and not arguments.values.get(_ALLOW, False)


def answer(report: CheckReport) -> dict[str, Any]:
    """The report as the function's result."""
    results = [
        {camel(key): value for key, value in result.to_dict().items() if value is not None}
        for result in report.results
    ]
    return {
        "stack": report.stack,
        "worst": None if report.worst is None else report.worst.value,
        "failed": report.failed,
        "report": report_text(report),
        "results": results,
    }


def report_text(report: CheckReport) -> str:
    """The report as ``kitaru stack verify`` prints it."""
    from kitaru_iac.render.report import text

    return "\n".join(text(report))
