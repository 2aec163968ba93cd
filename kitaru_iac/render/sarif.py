"""Reports of checks as SARIF 2.1.0, which code hosts show beside the lines of a change.

What is ok is left out: GitHub's code scanning shows every result as an alert, whatever its kind.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from kitaru_iac.checks.model import CheckInfo, CheckReport, CheckResult, CheckStatus
from kitaru_iac.render.source import SourceFile

__all__ = ["sarif"]

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
#: GitHub's limit for a file; it refuses one with more.
_MOST_RUNS = 20
#: Kind and level. OASIS SARIF 2.1.0, 3.27.9: what could not be decided is `open`; 3.27.10: that has
#: no level.
_OUTCOMES: Mapping[CheckStatus, tuple[str, str]] = {
    CheckStatus.FAIL: ("fail", "error"),
    CheckStatus.WARN: ("fail", "warning"),
    CheckStatus.UNKNOWN: ("open", "none"),
}


def sarif(
    reports: Sequence[tuple[CheckReport, SourceFile | None]],
    catalog: Sequence[CheckInfo],
    version: str,
) -> str:
    """Write reports as a SARIF log: a run for each stack, or one for all of very many.

    Args:
        reports: What the checks of each stack found, and where its description stands; None for
            one without a file, whose results then name the stack and no line.
        catalog: Every check there is; those that ran become the rules.
        version: The version of this package.

    Returns:
        JSON, two spaces deep, with a newline at its end.
    """
    groups = {report.stack: [(report, source)] for report, source in reports}
    if len(groups) <= _MOST_RUNS:
        # A code host keeps the runs of one id together: a stack's results replace its own alone.
        runs = [_run(f"kitaru/{name}/", of, catalog, version) for name, of in groups.items()]
    else:
        runs = [_run("kitaru/", reports, catalog, version)]
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": runs}, indent=2) + "\n"


def _run(
    id: str,
    reports: Sequence[tuple[CheckReport, SourceFile | None]],
    catalog: Sequence[CheckInfo],
    version: str,
) -> dict[str, object]:
    ran = {result.id for report, _ in reports for result in report.results}
    rules = [_rule(info) for info in catalog if info.id in ran]
    places = {rule["id"]: index for index, rule in enumerate(rules)}
    return {
        "tool": {"driver": {"name": "kitaru", "semanticVersion": version, "rules": rules}},
        "automationDetails": {"id": id},
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(report.stack, result, places.get(result.id), source)
            for report, source in reports
            for result in report.results
            if result.status in _OUTCOMES
        ],
    }


def _rule(info: CheckInfo) -> dict[str, object]:
    rule: dict[str, object] = {
        "id": info.id,
        "shortDescription": {"text": info.title},
        "fullDescription": {"text": info.text},
    }
    return {**rule, "helpUri": info.docs} if info.docs else rule


def _result(
    stack: str, result: CheckResult, rule: int | None, source: SourceFile | None
) -> dict[str, object]:
    kind, level = _OUTCOMES[result.status]
    text = f"{result.subject}: {result.why}"
    if result.remedy:
        text += f"\n\n{result.remedy}"
    found: dict[str, object] = {
        "ruleId": result.id,
        "kind": kind,
        "level": level,
        "message": {"text": text},
        "locations": [_location(stack, result, source)],
        # One stack's problem stays the same one when the file is edited, or its reason changes.
        "partialFingerprints": {"stackCheckSubject/v1": f"{stack}/{result.id}/{result.subject}"},
    }
    return found if rule is None else {**found, "ruleIndex": rule}


def _location(stack: str, result: CheckResult, source: SourceFile | None) -> dict[str, object]:
    location: dict[str, object] = {
        "logicalLocations": [{"name": stack, "kind": "resource"}],
    }
    if source is not None:
        location["physicalLocation"] = {
            "artifactLocation": {"uri": source.uri},
            "region": {"startLine": source.line(result.id)},
        }
    return location
