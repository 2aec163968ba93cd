"""The walls between the rooms hold, and the checker that says so is not blind."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

import kitaru_iac

CHECKER = Path(__file__).parents[1] / "scripts" / "check_imports.py"


@pytest.fixture(scope="module")
def checker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_imports", CHECKER)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_the_package_keeps_its_walls(checker: ModuleType) -> None:
    package = Path(kitaru_iac.__file__).parent
    assert [str(violation) for violation in checker.check(package)] == []


@pytest.mark.parametrize(
    ("module", "code"),
    [
        ("spec/model.py", "import zenml"),
        ("spec/model.py", "import boto3.session as s"),
        ("spec/model.py", "from ..records import model"),
        ("spec/__init__.py", "from ..lifecycle import create"),
        ("spec/model.py", "from kitaru_iac import engine"),
        ("lifecycle.py", "def f():\n    from zenml.client import Client"),
        ("lifecycle.py", "if TYPE_CHECKING:\n    import pulumi.automation"),
        ("cli/stack.py", "import importlib\nimportlib.import_module('zenml.client')"),
        ("cli/stack.py", "from importlib import import_module\nimport_module('pulumi')"),
        ("cli/stack.py", "__import__('azure.identity')"),
        ("mcp/server.py", "from google.cloud import storage"),
        ("mcp/server.py", "from kitaru_iac.cli import main"),
        ("clouds/aws/verify.py", "from google.cloud import storage"),
        ("clouds/aws/verify.py", "from kitaru_iac.clouds.gcp import verify"),
        ("clouds/aws/verify.py", "from ..gcp.verify import check"),
        ("clouds/aws/verify.py", "import pulumi"),
        ("clouds/aws/records.py", "from zenml.enums import StackComponentType"),
        ("clouds/gcp/verify.py", "import azure.identity"),
        ("clouds/azure/verify.py", "import pulumi_aws as aws"),
        ("engine/run.py", "from google.cloud import storage"),
        ("engine/run.py", "from kitaru_iac.records.model import Records"),
        ("records/read.py", "import pulumi"),
        ("doctor.py", "import typer"),
        ("new_repo.py", "from kitaru_iac.pulumi import program"),
        ("__init__.py", "from zenml import flow"),
        ("__init__.py", "from .cli import main\nimport mcp"),
    ],
)
def test_a_planted_violation_is_found(
    checker: ModuleType, tmp_path: Path, module: str, code: str
) -> None:
    assert check_one(checker, tmp_path, module, code)


@pytest.mark.parametrize(
    ("module", "code"),
    [
        ("spec/model.py", "import pydantic, yaml\nfrom ..errors import Problem"),
        ("spec/model.py", "from . import uris\nfrom .uris import parse"),
        ("clouds/aws/verify.py", "import boto3\nfrom botocore.exceptions import ClientError"),
        ("clouds/aws/provision.py", "import pulumi, pulumi_aws"),
        ("clouds/gcp/verify.py", "from google.cloud import storage\nimport googleapiclient"),
        ("clouds/azure/verify.py", "from azure.identity import DefaultAzureCredential"),
        ("pulumi/provider.py", "import pulumi\nfrom google.protobuf import struct_pb2"),
        ("engine/run.py", "from pulumi import automation"),
        ("records/read.py", "from zenml.client import Client"),
        ("runtime/flow.py", "import zenml"),
        ("mcp/server.py", "import mcp\nfrom kitaru_iac import stacks"),
        ("cli/main.py", "import typer\nfrom kitaru_iac import stacks, doctor"),
        ("lifecycle.py", "from kitaru_iac.engine import run\nfrom .pulumi import x"),
        ("lifecycle.py", "import zenmlish, pulumi_kubernetes"),
    ],
)
def test_what_is_allowed_is_not_reported(
    checker: ModuleType, tmp_path: Path, module: str, code: str
) -> None:
    assert check_one(checker, tmp_path, module, code) == []


def check_one(checker: ModuleType, tmp_path: Path, module: str, code: str) -> list[str]:
    path = tmp_path / "kitaru_iac" / module
    path.parent.mkdir(parents=True)
    path.write_text(code)
    return [str(violation) for violation in checker.check(tmp_path / "kitaru_iac")]


def test_a_violation_says_where_it_is(checker: ModuleType, tmp_path: Path) -> None:
    (line,) = check_one(checker, tmp_path, "cli/stack.py", "\n\nimport zenml.client\n")
    path = tmp_path / "kitaru_iac" / "cli" / "stack.py"
    assert line == (
        f"{path}:3: kitaru_iac.cli.stack imports zenml.client: "
        "only records, gateway, connection, stacks, runtime may"
    )


def test_an_empty_folder_is_no_success(checker: ModuleType, tmp_path: Path) -> None:
    assert checker.main([str(tmp_path)]) == 1
