"""What a command imports: nothing that it does not need."""

from __future__ import annotations

import json
import sys

import pytest

from tests.homes import Home

_PROGRAM = """
import json, sys
from kitaru_iac.cli.main import run
code = run(sys.argv[1:], "kitaru")
sys.stdout.flush()
sys.stderr.write("\\nMODULES " + json.dumps([code, sorted(sys.modules)]))
"""
_CLOUDS = {"boto3", "botocore", "google", "googleapiclient", "azure", "kubernetes"}
_PULUMI = {"pulumi", "pulumi_aws", "pulumi_gcp", "pulumi_azure_native", "grpc"}


def imported(home: Home, *line: str) -> set[str]:
    done = home.run(sys.executable, "-c", _PROGRAM, *line)
    _, modules = json.loads(done.stderr.rpartition("MODULES ")[2])
    return {*modules, *(name.partition(".")[0] for name in modules)}


@pytest.mark.parametrize(
    "line",
    [
        "--version",
        "--help",
        "stack --help",
        "stack create --help",
        "login --help",
        "stack lst",
        "stack use",
        "stack list --output jsn",
        "stack create dev --tpye local",
    ],
)
def test_help_and_usage_errors_import_nothing_heavy(home: Home, line):
    heavy = {"zenml", "pydantic", "rich", "yaml", "click", "requests", *_CLOUDS, *_PULUMI}
    assert not imported(home, *line.split()) & heavy


@pytest.mark.parametrize(
    "line", ["stack list", "stack current", "stack show", "stack show nope", "status", "doctor"]
)
def test_reading_imports_neither_zenml_nor_pydantic(home: Home, line):
    heavy = {"zenml", "pydantic", "rich", *_CLOUDS, *_PULUMI}
    assert not imported(home, *line.split()) & heavy


@pytest.mark.parametrize(
    "line",
    [
        *("stack create dev --type kubernets", "stack apply dev --type kubernets"),
        *("stack preview dev --type kubernets", "stack schema", "stack create"),
    ],
)
def test_a_wrong_description_and_the_schema_do_without_any_store(home: Home, line):
    stores = {"zenml", "kitaru_iac.gateway.wire", "kitaru_iac.gateway.documents"}
    assert not imported(home, *line.split()) & {*stores, *_CLOUDS, *_PULUMI}


def test_writing_a_repository_needs_no_package(home: Home):
    heavy = {"zenml", "pydantic", "rich", "yaml", "requests", *_CLOUDS, *_PULUMI}
    assert not imported(home, "stack", "new-repo", "platform") & heavy
    assert (home.path / "platform" / "Pulumi.yaml").exists()


@pytest.mark.parametrize("line", ["stack create dev", "stack apply dev --yes", "stack preview dev"])
def test_a_local_stack_imports_neither_pulumi_nor_a_cloud(home: Home, line):
    found = imported(home, *line.split())
    assert ("zenml" in found) is (line != "stack preview dev")  # which writes nothing
    assert not found & (_PULUMI | (_CLOUDS - {"google", "kubernetes"}))


def test_completion_imports_nothing_heavy(home: Home):
    program = "import os, sys, json\nfrom kitaru_iac.cli.completion import stack_names\n"
    program += "names = stack_names('def')\nprint(json.dumps([names, sorted(sys.modules)]))"
    names, modules = json.loads(home.run(sys.executable, "-c", program).stdout)
    assert names == ["default"]
    assert not {"zenml", "pydantic", "typer", "rich"} & set(modules)
