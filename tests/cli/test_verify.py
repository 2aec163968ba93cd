"""`kitaru stack verify`, `kitaru stack policy` and `--infra verify`: the faces, not the checks."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

from kitaru_iac.checks.model import CheckReport, CheckResult, CheckStatus
from tests.homes import Home

SAGEMAKER = (
    *("prod", "--type", "sagemaker", "--region", "eu-west-1"),
    *("--artifact-store", "s3://my-bucket/kitaru"),
    *("--container-registry", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"),
    *("--execution-role", "arn:aws:iam::123456789012:role/SageMaker"),
)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch):
    """Decide what the checks find; gives the descriptions that were examined."""
    examined = []

    def decide(status: CheckStatus) -> list:
        def verify(spec, **_: object) -> CheckReport:
            examined.append(spec)
            result = CheckResult(
                "aws.bucket.exists",
                status,
                "s3://my-bucket",
                "it was seen",
                "aws s3 mb s3://my-bucket",
            )
            return CheckReport(spec.name, (result,))

        monkeypatch.setattr("kitaru_iac.infrastructure.verify.verify", verify)
        return examined

    return decide


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (CheckStatus.OK, 0),
        (CheckStatus.WARN, 0),
        (CheckStatus.UNKNOWN, 0),
        (CheckStatus.FAIL, 3),
    ],
)
def test_the_exit_code_says_whether_a_check_failed(home: Home, kitaru, found, status, code):
    found(status)
    done = kitaru("stack", "verify", *SAGEMAKER, "-o", "json")
    assert done.code == code
    assert done.document["command"] == "stack.verify"
    assert done.document["item"]["results"][0]["status"] == status.value
    in_text = kitaru("stack", "verify", *SAGEMAKER)
    assert "aws.bucket.exists" in in_text.out
    in_markdown = kitaru("stack", "verify", *SAGEMAKER, "-o", "markdown")
    assert in_markdown.out.startswith("### Checks of stack `prod`")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (CheckStatus.OK, 0),
        (CheckStatus.WARN, 0),
        (CheckStatus.UNKNOWN, 3),
        (CheckStatus.FAIL, 3),
    ],
)
def test_a_strict_gate_lets_nothing_through_that_was_not_seen(
    home: Home, kitaru, found, status, code
):
    found(status)
    assert kitaru("stack", "verify", *SAGEMAKER, "--strict", "-o", "json").code == code


def test_an_existing_stack_is_examined_by_its_name(home: Home, kitaru, found):
    kitaru("stack", "create", *SAGEMAKER, "--no-verify", "--no-activate")
    examined = found(CheckStatus.OK)
    assert kitaru("stack", "verify", "prod").code == 0
    assert str(examined[0].artifact_store) == "s3://my-bucket/kitaru"
    assert examined[0].execution_role == "arn:aws:iam::123456789012:role/SageMaker"


def test_names_that_cannot_be_examined(home: Home, kitaru):
    assert kitaru("stack", "verify", "nothing").code == 4
    default = kitaru("stack", "verify", "default")
    assert default.code == 1
    assert "kitaru stack show default" in default.err


def test_a_failed_check_stops_a_creation_before_anything_is_written(home: Home, kitaru, found):
    found(CheckStatus.FAIL)
    for command in (("create",), ("apply", "--yes")):
        failed = kitaru("stack", *command, *SAGEMAKER, "--infra", "verify", "--no-verify")
        assert failed.code == 3
        assert "aws.bucket.exists" in failed.err
        assert failed.out == ""
    assert kitaru("stack", "list", "-o", "json").document["count"] == 1


def test_good_infrastructure_stops_nothing(home: Home, kitaru, found):
    found(CheckStatus.UNKNOWN)
    made = kitaru("stack", "create", *SAGEMAKER, "--infra", "verify", "--no-verify")
    assert made.code == 0
    assert made.out.startswith("Created stack: prod\n")


def test_the_projects_own_default(home: Home, kitaru, found):
    (home.path / "pyproject.toml").write_text('[tool.kitaru]\ninfra = "verify"\n')
    found(CheckStatus.FAIL)
    assert kitaru("stack", "create", *SAGEMAKER, "--no-verify").code == 3
    assert kitaru("stack", "create", *SAGEMAKER, "--no-verify", "--infra", "none").code == 0


def test_a_broken_pyproject_is_told(home: Home, kitaru):
    (home.path / "pyproject.toml").write_text("[tool.kitaru\n")
    failed = kitaru("stack", "create", "dev")
    assert failed.code == 64
    assert "pyproject.toml" in failed.err


def test_policy_gives_documents_that_can_be_pasted(home: Home, kitaru):
    text = kitaru("stack", "policy", *SAGEMAKER)
    assert json.loads(text.out)["cloud"] == "aws"
    assert kitaru("stack", "policy", *SAGEMAKER, "-o", "json").document["item"] == json.loads(
        text.out
    )


DESCRIPTION = """\
name: prod
type: sagemaker
region: eu-west-1
artifact_store: s3://my-bucket/kitaru
container_registry: 123456789012.dkr.ecr.eu-west-1.amazonaws.com
execution_role: arn:aws:iam::123456789012:role/SageMaker
"""


class TestForCodeHosts:
    def test_a_result_stands_at_the_line_that_says_it(
        self, home: Home, kitaru, found, tmp_path, monkeypatch
    ):
        found(CheckStatus.FAIL)
        monkeypatch.chdir(tmp_path)
        (tmp_path / "stack.yaml").write_text(DESCRIPTION)
        done = kitaru("stack", "verify", "-f", "stack.yaml", "-o", "sarif")
        assert done.code == 3
        (result,) = json.loads(done.out)["runs"][0]["results"]
        assert result["locations"][0]["physicalLocation"] == {
            "artifactLocation": {"uri": "stack.yaml"},
            "region": {"startLine": 4},
        }

    def test_an_option_takes_the_line_away(self, home: Home, kitaru, found, tmp_path, monkeypatch):
        found(CheckStatus.FAIL)
        monkeypatch.chdir(tmp_path)
        (tmp_path / "stack.yaml").write_text(DESCRIPTION)
        done = kitaru(
            *("stack", "verify", "-f", "stack.yaml", "-o", "junit"),
            *("--artifact-store", "s3://another"),
        )
        assert done.code == 3
        (case,) = ET.fromstring(done.out)[0]
        assert (case.get("file"), case.get("line")) == ("stack.yaml", "1")

    @pytest.mark.parametrize("format", ["sarif", "junit"])
    def test_no_other_command_takes_them(self, home: Home, kitaru, format):
        refused = kitaru("stack", "list", "-o", format)
        assert refused.code == 64
        assert format in refused.err

    def test_an_error_is_text_on_stderr(self, home: Home, kitaru):
        failed = kitaru("stack", "verify", "nothing", "-o", "sarif")
        assert (failed.code, failed.out) == (4, "")
        assert failed.err.startswith("Error: ")
