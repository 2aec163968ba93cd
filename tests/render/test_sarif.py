"""SARIF and JUnit: for machines that show a report of checks beside a change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from kitaru_iac.checks.model import CheckInfo, CheckReport, CheckResult, CheckStatus
from kitaru_iac.infrastructure.verify import catalog
from kitaru_iac.render.junit import junit
from kitaru_iac.render.sarif import sarif
from kitaru_iac.render.source import SourceFile, in_repository
from kitaru_iac.spec.fields import FIELDS

OK, WARN, FAIL, UNKNOWN = CheckStatus
SUBJECT = "s3://b"
REPORT = CheckReport(
    "prod",
    (
        CheckResult("aws.credentials", OK, "own", "they are me", caveat="for now"),
        CheckResult("aws.bucket.exists", FAIL, SUBJECT, "no <such> bucket", "aws s3 mb s3://b"),
        CheckResult("aws.bucket.region", UNKNOWN, SUBJECT, "denied", None, None, "s3:GetBucket"),
        CheckResult("aws.role.trust", WARN, "role", "wide & open", "narrow it"),
    ),
)
KEYS = {info.id: info.key for info in catalog()}
SOURCE = SourceFile(
    "stacks/pr od.yaml",
    {"name": 2, "artifact_store": 5, "artifact_store.x": 6, "credentials": 9},
    KEYS,
)
#: The part of the standard's schema that says what a log of results has to look like.
SCHEMA = json.loads((Path(__file__).parent / "sarif-2.1.0-part.json").read_text())


def _log(report: CheckReport = REPORT, source: SourceFile | None = SOURCE) -> dict[str, Any]:
    text = sarif([(report, source)], catalog(), "1.2.3")
    assert text.startswith('{\n  "$schema": ')  # two spaces deep
    assert text.endswith("\n}\n")
    log = json.loads(text)
    jsonschema.Draft7Validator(SCHEMA).validate(log)
    return log["runs"][0]


class TestSarif:
    def test_what_is_not_ok_is_a_result_and_nothing_else(self) -> None:
        seen = [(r["ruleId"], r["kind"], r["level"]) for r in _log()["results"]]
        assert seen == [
            ("aws.bucket.exists", "fail", "error"),
            ("aws.bucket.region", "open", "none"),
            ("aws.role.trust", "fail", "warning"),
        ]

    def test_each_stands_at_its_line_of_the_description(self) -> None:
        lines = {
            result["ruleId"]: result["locations"][0]["physicalLocation"]
            for result in _log()["results"]
        }
        assert lines["aws.bucket.exists"]["artifactLocation"] == {"uri": "stacks/pr%20od.yaml"}
        assert lines["aws.bucket.exists"]["region"] == {"startLine": 5}
        # No key says the role: the stack's own line.
        assert lines["aws.role.trust"]["region"] == {"startLine": 2}

    def test_without_a_file_there_is_the_stack_and_no_line(self) -> None:
        for result in _log(source=None)["results"]:
            assert result["locations"] == [
                {"logicalLocations": [{"name": "prod", "kind": "resource"}]}
            ]

    def test_the_rules_are_those_that_ran(self) -> None:
        run = _log()
        rules = run["tool"]["driver"]["rules"]
        assert {rule["id"] for rule in rules} == {result.id for result in REPORT.results}
        for result in run["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]

    def test_a_rule_links_to_its_documentation_where_there_is_one(self) -> None:
        documented = {info.id: info.docs for info in catalog()}
        rules = _log()["tool"]["driver"]["rules"]
        assert [rule.get("helpUri") for rule in rules] == [
            documented[rule["id"]] or None for rule in rules
        ]
        assert any("helpUri" in rule for rule in rules)

    def test_the_remedy_and_the_reason_are_in_the_message(self) -> None:
        assert _log()["results"][0]["message"]["text"] == (
            "s3://b: no <such> bucket\n\naws s3 mb s3://b"
        )

    def test_a_problem_is_the_same_one_after_its_reason_changed(self) -> None:
        def prints(why: str) -> list[object]:
            result = CheckResult("aws.bucket.exists", FAIL, SUBJECT, why)
            return [
                r["partialFingerprints"] for r in _log(CheckReport("prod", (result,)))["results"]
            ]

        assert prints("one reason") == prints("another")

    def test_an_empty_report_is_a_log_with_no_results(self) -> None:
        assert _log(CheckReport("dev"))["results"] == []

    def test_a_check_that_is_in_no_catalog_has_no_index(self) -> None:
        report = CheckReport("prod", (CheckResult("own.check", FAIL, "x", "y"),))
        assert "ruleIndex" not in _log(report)["results"][0]


class TestJunit:
    def test_counts_and_outcomes(self) -> None:
        text = junit([(REPORT, SOURCE)])
        assert "\n  <testsuite " in text  # for people too
        top = ET.fromstring(text)
        suite = top[0]
        assert suite.attrib == {
            "name": "prod",
            "tests": "4",
            "failures": "1",
            "errors": "0",
            "skipped": "1",
        }
        inside = {case.get("name"): [part.tag for part in case] for case in suite}
        assert inside == {
            "credentials (own)": ["system-out"],
            "exists (s3://b)": ["failure"],
            "region (s3://b)": ["skipped"],
            "trust (role)": ["system-out"],
        }

    def test_reason_remedy_and_place(self) -> None:
        suite = ET.fromstring(junit([(REPORT, SOURCE)]))[0]
        failed = suite[1]
        assert failed.attrib["classname"] == "aws.bucket"
        assert (failed.attrib["file"], failed.attrib["line"]) == ("stacks/pr od.yaml", "5")
        assert failed[0].get("message") == "no <such> bucket"
        assert failed[0].text == "no <such> bucket\naws s3 mb s3://b"
        assert suite[2][0].get("message") == "denied"
        assert suite[3][0].text == "Warning: wide & open\nnarrow it"
        assert "file" not in ET.fromstring(junit([(REPORT, None)]))[0][1].attrib

    def test_what_xml_cannot_hold_is_written_out(self) -> None:
        evil = CheckResult("aws.bucket.exists", FAIL, "s3://\x00\x1b[31m", "\ud800\ufffe]]>")
        case = ET.fromstring(junit([(CheckReport("a\x07b", (evil,)), None)]))[0][0]
        assert case.get("name") == "exists (s3://\\x00\\x1b[31m)"
        assert case[0].text == "\\xd800\\xfffe]]>"


@pytest.mark.parametrize("info", catalog(), ids=lambda info: info.id)
def test_every_check_has_a_line_of_its_own_key(info: CheckInfo) -> None:
    where = SourceFile("stack.yaml", {**dict.fromkeys(FIELDS, 2), "name": 1}, KEYS)
    assert where.line(info.id) == 2


class TestSeveral:
    OTHER = CheckReport("dev", (CheckResult("aws.bucket.exists", FAIL, SUBJECT, "none"),))

    def test_each_stack_is_a_run_of_its_own(self) -> None:
        log = json.loads(sarif([(REPORT, SOURCE), (self.OTHER, None)], catalog(), "1.2.3"))
        jsonschema.Draft7Validator(SCHEMA).validate(log)
        ids = [run["automationDetails"]["id"] for run in log["runs"]]
        assert ids == ["kitaru/prod/", "kitaru/dev/"]
        assert [len(run["results"]) for run in log["runs"]] == [3, 1]

    @pytest.mark.parametrize(("count", "runs"), [(20, 20), (21, 1)])
    def test_no_more_runs_than_github_takes(self, count: int, runs: int) -> None:
        reports = [(CheckReport(f"s{n}", self.OTHER.results), None) for n in range(count)]
        log = json.loads(sarif(reports, catalog(), "1.2.3"))
        jsonschema.Draft7Validator(SCHEMA).validate(log)
        assert len(log["runs"]) == runs
        found = [result for run in log["runs"] for result in run["results"]]
        assert len({result["partialFingerprints"]["stackCheckSubject/v1"] for result in found}) == (
            count
        )
        ids = {run["automationDetails"]["id"] for run in log["runs"]}
        assert ids == ({f"kitaru/s{n}/" for n in range(count)} if runs > 1 else {"kitaru/"})

    def test_each_stack_is_a_suite_of_its_own(self) -> None:
        top = ET.fromstring(junit([(REPORT, SOURCE), (self.OTHER, None)]))
        assert top.attrib == {"tests": "5", "failures": "2", "errors": "0", "skipped": "1"}
        assert [suite.get("name") for suite in top] == ["prod", "dev"]


class TestWhere:
    def test_a_file_is_named_as_its_repository_does(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "repo" / ".git").mkdir(parents=True)
        (tmp_path / "repo" / "stacks").mkdir()
        (tmp_path / "repo" / "stacks" / "a.yaml").touch()
        monkeypatch.chdir(tmp_path / "repo" / "stacks")
        assert in_repository(Path("a.yaml")) == "stacks/a.yaml"
        assert in_repository(Path("../stacks/a.yaml")) == "stacks/a.yaml"

    def test_outside_of_repositories_from_here_or_whole(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "here").mkdir()
        monkeypatch.chdir(tmp_path / "here")
        assert in_repository(Path("a.yaml")) == "a.yaml"
        assert in_repository(tmp_path / "b.yaml") == (tmp_path / "b.yaml").as_posix()
