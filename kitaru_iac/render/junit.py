"""A report of checks as JUnit XML, which CI systems show as tests."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from kitaru_iac.checks.model import CheckReport, CheckResult, CheckStatus
from kitaru_iac.render.source import SourceFile

__all__ = ["junit"]

# https://www.w3.org/TR/xml/#charsets: no XML document may hold these, escaped or not.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(report: CheckReport, source: SourceFile | None) -> str:
    """Write a report as one suite, with a test for each check.

    A failed check is a failure, and one that could not be decided is skipped with its reason, so
    that it is not counted among what passed. A warning passes, with its text beside it.

    Args:
        report: What the checks found.
        source: Where the description stands, for the ``file`` and ``line`` of each test.

    Returns:
        XML with a declaration and a newline at its end.
    """
    counts = {
        "tests": str(len(report.results)),
        "failures": str(report.count(CheckStatus.FAIL)),
        "errors": "0",
        "skipped": str(report.count(CheckStatus.UNKNOWN)),
    }
    top = ET.Element("testsuites", counts)
    suite = ET.SubElement(top, "testsuite", {"name": _text(report.stack), **counts})
    for result in report.results:
        _case(suite, result, source)
    ET.indent(top)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(top, "unicode")}\n'


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
