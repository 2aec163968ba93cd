"""Reports of checks as JUnit XML, which CI systems show as tests."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from kitaru_iac.checks.model import CheckReport, CheckResult, CheckStatus
from kitaru_iac.patterns import compiled
from kitaru_iac.render.source import SourceFile

__all__ = ["junit"]

# https://www.w3.org/TR/xml/#charsets: no XML document may hold these, escaped or not.
_NOT_XML = compiled("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(reports: Sequence[tuple[CheckReport, SourceFile | None]]) -> str:
    """Write reports as a suite for each stack, with a test for each check.

    A failed check is a failure, and one that could not be decided is skipped with its reason, so
    that it is not counted among what passed. A warning passes, with its text beside it.

    Args:
        reports: What the checks of each stack found, and where its description stands, for the
            ``file`` and ``line`` of each test.

    Returns:
        XML with a declaration and a newline at its end.
    """
    top = ET.Element("testsuites", _counts([report for report, _ in reports]))
    for report, source in reports:
        about = {"name": _text(report.stack), **_counts([report])}
        suite = ET.SubElement(top, "testsuite", about)
        for result in report.results:
            _case(suite, result, source)
    ET.indent(top)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(top, "unicode")}\n'


def _counts(reports: Sequence[CheckReport]) -> dict[str, str]:
    return {
        "tests": str(sum(len(report.results) for report in reports)),
        "failures": str(sum(report.count(CheckStatus.FAIL) for report in reports)),
        "errors": "0",
        "skipped": str(sum(report.count(CheckStatus.UNKNOWN) for report in reports)),
    }


def _case(suite: ET.Element, result: CheckResult, source: SourceFile | None) -> None:
    group, _, name = result.id.rpartition(".")
    place = {} if source is None else {"file": source.path, "line": str(source.line(result.id))}
    case = ET.SubElement(
        suite,
        "testcase",
        {"classname": group, "name": _text(f"{name} ({result.subject})"), **place},
    )
    said = "\n".join(text for text in (result.why, result.caveat, result.remedy) if text)
    match result.status:
        case CheckStatus.FAIL:
            told = {"type": result.id, "message": _text(result.why)}
            ET.SubElement(case, "failure", told).text = _text(said)
        case CheckStatus.UNKNOWN:
            ET.SubElement(case, "skipped", {"message": _text(said)})
        case CheckStatus.WARN:
            ET.SubElement(case, "system-out").text = _text(f"Warning: {said}")
        case CheckStatus.OK:
            ET.SubElement(case, "system-out").text = _text(said)


def _text(text: str) -> str:
    return _NOT_XML.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
