"""The walls between the rooms hold, and the checker that says so is not blind."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import kitaru_iac

# Reads the sources, and runs none of them.
pytestmark = pytest.mark.no_cover

CHECKER = Path(__file__).parents[1] / "scripts" / "check_imports.py"
PACKAGE = Path(kitaru_iac.__file__).parent

#: The exceptions that are left, as (module, what it imports). Lines are taken out, never put in.
DEBTS: set[tuple[str, str]] = set()


@pytest.fixture(scope="module")
def checker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_imports", CHECKER)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def rules(checker: ModuleType) -> Any:
    return checker.Rules.read()


def test_the_package_keeps_its_walls(checker: ModuleType, rules: Any) -> None:
    assert [str(violation) for violation in checker.check(PACKAGE, rules)] == []


def test_the_rooms_are_in_order_and_kept_apart(rules: Any) -> None:
    assert list(rules.faults()) == []


def test_exceptions_only_become_fewer(checker: ModuleType, rules: Any) -> None:
    assert set(rules.debts) <= DEBTS
    assert checker.paid(PACKAGE, rules) == []


def test_faces_never_import_each_other(rules: Any) -> None:
    faces = {"cli", "mcp", "pulumi", "flows", "_sdk"}
    for face in faces:
        assert faces & set(rules.rooms[face]) == set()
    others = {room: allowed for room, allowed in rules.rooms.items() if room not in faces}
    assert {room for room, allowed in others.items() if faces & set(allowed)} == {"__init__"}


def check_one(
    checker: ModuleType, tmp_path: Path, module: str, code: str, rules: Any = None
) -> list[str]:
    path = tmp_path / "kitaru_iac" / module
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code)
    found = checker.check(tmp_path / "kitaru_iac", rules or checker.Rules.read())
    return [str(violation) for violation in found]


@pytest.mark.parametrize(
    ("module", "code"),
    [
        # a room of ours that is not listed for the importer
        ("spec/model.py", "from ..records import model"),
        ("spec/__init__.py", "from ..stacks import operations"),
        ("spec/model.py", "from kitaru_iac import engine"),
        ("machine/home.py", "from kitaru_iac.spec import loading"),
        ("records/read.py", "from kitaru_iac.records2 import x"),
        ("gateway/rest.py", "from kitaru_iac.records.model import Records"),
        ("records/parts.py", "from kitaru_iac.records import stored"),
        ("engine/run.py", "from kitaru_iac.records.model import Records"),
        ("clouds/aws/records.py", "from kitaru_iac.records import stored"),
        ("clouds/aws/verify.py", "from kitaru_iac.clouds.gcp import verify"),
        ("clouds/aws/verify.py", "from ..gcp.verify import check"),
        ("clouds/aws/verify.py", "from .provision import target"),
        ("clouds/provider.py", "from .aws import session"),
        ("clouds/registry.py", "from .aws import verify"),
        ("clouds/registry.py", "from kitaru_iac.stacks import desired"),
        ("clouds/gcp/provider.py", "from kitaru_iac.clouds.aws import provider"),
        ("infrastructure/new.py", "from kitaru_iac.clouds.aws import catalog"),
        ("repository/write.py", "from kitaru_iac.pulumi import program"),
        ("cli/stack.py", "from kitaru_iac.pulumi import stack"),
        ("mcp/server.py", "from kitaru_iac.cli import main"),
        ("pulumi/stack.py", "import kitaru_iac"),
        ("__init__.py", "from .cli import main"),
        # a room, or the root's name, that nobody knows
        ("spec/model.py", "from kitaru_iac import nothing"),
        ("cellar/wine.py", "import os"),
        ("cellar.py", ""),
        # a foreign package that is another's, or nobody's
        ("spec/model.py", "import zenml"),
        ("spec/model.py", "import boto3.session as s"),
        ("spec/model.py", "import requests"),
        ("stacks/new.py", "def f():\n    from zenml.client import Client"),
        ("stacks/new.py", "if TYPE_CHECKING:\n    import pulumi.automation"),
        ("mcp/server.py", "from google.cloud import storage"),
        ("clouds/aws/verify.py", "from google.cloud import storage"),
        ("clouds/aws/verify.py", "import pulumi"),
        ("checks/model.py", "from kitaru_iac.clouds.aws.catalog import CATALOG"),
        ("infrastructure/destroy.py", "from kitaru_iac.stacks.results import Deleted"),
        ("records/parts.py", "from kitaru_iac.clouds import registry"),
        ("clouds/aws/records.py", "from zenml.enums import StackComponentType"),
        ("clouds/gcp/verify.py", "import azure.identity"),
        ("clouds/azure/verify.py", "import pulumi_aws as aws"),
        ("engine/run.py", "from google.cloud import storage"),
        ("records/read.py", "import pulumi"),
        ("records/read.py", "import zenml"),
        ("doctor.py", "import typer"),
        ("__init__.py", "from zenml import flow"),
        # a literal name
        ("cli/stack.py", "import importlib\nimportlib.import_module('zenml.client')"),
        ("cli/stack.py", "from importlib import import_module\nimport_module('pulumi')"),
        ("cli/stack.py", "__import__('azure.identity')"),
        # a name that is chosen while the program runs
        ("stacks/new.py", "import importlib\nimportlib.import_module(name)"),
        ("stacks/new.py", "from importlib import import_module\nimport_module(f'zen{ml}')"),
        ("stacks/new.py", "from importlib import import_module\nimport_module('.x', 'zenml')"),
        ("stacks/new.py", "from importlib import import_module\nimport_module(name='zenml')"),
        ("stacks/new.py", "from importlib import import_module as load\nload('zenml')"),
        ("stacks/new.py", "import importlib\nload = importlib.import_module\nload('zenml')"),
        ("stacks/new.py", "list(map(__import__, names))"),
        ("stacks/new.py", "import importlib.util"),
        ("stacks/new.py", "import importlib\nimportlib.util.find_spec('zenml')"),
        ("stacks/new.py", "from importlib import util"),
        ("stacks/new.py", "from importlib.util import find_spec"),
        ("stacks/new.py", "import runpy"),
        ("stacks/new.py", "from importlib.metadata import entry_points"),
        ("stacks/new.py", "from importlib import metadata\nmetadata.entry_points()"),
        ("stacks/new.py", "distribution.entry_points"),
    ],
)
def test_a_planted_violation_is_found(
    checker: ModuleType, tmp_path: Path, module: str, code: str
) -> None:
    assert check_one(checker, tmp_path, module, code)


@pytest.mark.parametrize(
    ("module", "code"),
    [
        ("spec/model.py", "import yaml\nfrom ..errors import Problem"),
        ("spec/model.py", "from . import uris\nfrom .uris import parse"),
        ("clouds/aws/verify.py", "import boto3\nfrom botocore.exceptions import ClientError"),
        ("clouds/aws/records.py", "from kitaru_iac.records import model, parts"),
        ("clouds/aws/provision/x.py", "import pulumi, pulumi_aws\nfrom .. import session"),
        ("clouds/gcp/verify.py", "from google.cloud import storage\nimport googleapiclient"),
        ("clouds/azure/verify.py", "from azure.identity import DefaultAzureCredential"),
        ("clouds/registry.py", "from importlib import import_module\nimport_module(name)"),
        ("clouds/registry.py", "from .aws import provider as aws\nfrom . import provider"),
        ("clouds/aws/provider.py", "from .provision import target\nfrom . import verify"),
        ("pulumi/provider.py", "import pulumi\nfrom google.protobuf import struct_pb2"),
        ("engine/run.py", "from pulumi import automation"),
        ("gateway/read.py", "from zenml.client import Client"),
        ("gateway/read.py", "import importlib\nimportlib.import_module('zenml.client')"),
        ("flows/flow.py", "import zenml"),
        ("mcp/server.py", "import mcp\nfrom kitaru_iac import stacks"),
        ("cli/main.py", "import typer\nfrom kitaru_iac import stacks, doctor"),
        ("cli/main.py", "import os, json.decoder\nfrom importlib import metadata"),
        ("__init__.py", "from kitaru_iac._sdk import create_stack"),
    ],
)
def test_what_is_allowed_is_not_reported(
    checker: ModuleType, tmp_path: Path, module: str, code: str
) -> None:
    assert check_one(checker, tmp_path, module, code) == []


@pytest.mark.parametrize(
    ("rooms", "fault"),
    [
        ({"spec": ("stacks",)}, "circle: "),
        ({"machine": ("cellar",)}, "machine may import cellar, which is no room"),
        ({"checks": ("gateway",)}, "render reaches zenml, by way of gateway"),
        ({"clouds": ("engine",)}, "clouds.aws reaches pulumi, by way of engine"),
        ({"plan": ("gateway",)}, "render reaches kitaru_iac.gateway, by way of gateway"),
    ],
)
def test_rules_that_would_open_a_way_are_refused(
    rules: Any, rooms: dict[str, tuple[str, ...]], fault: str
) -> None:
    wider = {room: (*rules.rooms[room], *more) for room, more in rooms.items()}
    found = list(replace(rules, rooms={**rules.rooms, **wider}).faults())
    assert any(fault in line for line in found), found


def test_an_exception_opens_a_way_too(checker: ModuleType, rules: Any) -> None:
    debt = checker.Debt("spec.model", "records")
    found = list(replace(rules, debts=rules.debts | {debt}).faults())
    assert "spec reaches zenml, by way of gateway" in found


def test_what_is_kept_apart_has_to_be_known(rules: Any) -> None:
    found = list(replace(rules, apart={"spec": ("zenmo",)}).faults())
    assert found == ["spec is kept apart from zenmo, which is neither room nor package"]


def test_an_exception_that_nothing_needs_is_named(
    checker: ModuleType, rules: Any, tmp_path: Path
) -> None:
    debts = {checker.Debt("stacks.a", "zenml"), checker.Debt("stacks.b", "zenml")}
    less = replace(rules, debts=frozenset(debts), computed=frozenset({"stacks.a", "stacks.b"}))
    check_one(checker, tmp_path, "stacks/a.py", "import zenml.client")
    assert check_one(checker, tmp_path, "stacks/b.py", "import_module(x)", less) == []
    assert checker.paid(tmp_path / "kitaru_iac", less) == [
        "stacks.b imports no zenml",
        "stacks.a imports nothing by a computed name",
    ]


def test_a_violation_says_where_it_is(checker: ModuleType, tmp_path: Path) -> None:
    (line,) = check_one(checker, tmp_path, "cli/stack.py", "\n\nimport zenml.client\n")
    path = tmp_path / "kitaru_iac" / "cli" / "stack.py"
    assert line == (f"{path}:3: kitaru_iac.cli.stack imports zenml.client: only flows, gateway may")


def test_an_empty_folder_is_no_success(checker: ModuleType, tmp_path: Path) -> None:
    assert checker.main([str(tmp_path)]) == 1
