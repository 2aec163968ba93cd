"""The guide to add a field works, and three files are all that it asks to be edited."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import kitaru_iac
from kitaru_iac.spec.variables import FORM_PATTERN
from tests.docs.markdown import ROOT, blocks
from tests.homes import Home

GUIDE = ROOT / "docs" / "contributing" / "add-a-field.md"
AT_MOST = 3

#: What the field is in each face; run in the copy, in a home with a store.
PROBE = """
import dataclasses, inspect, json, typing

import kitaru_iac
import kitaru_iac.pulumi as kitaru
from kitaru_iac.errors import DescriptionError
from kitaru_iac.pulumi.plugin.schema import schema
from kitaru_iac.records.describe import describe
from kitaru_iac.spec import KubernetesSpec, from_mapping, json_schema, to_mapping
from kitaru_iac.spec._keywords import StackFields
from kitaru_iac.stacks import operations
from kitaru_iac.stacks.results import named_resources

given = {
    "name": "prod",
    "type": "kubernetes",
    "artifact_store": "s3://my-bucket/kitaru",
    "container_registry": "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    "cluster": "prod-cluster",
    "region": "eu-west-1",
    "service_account": "flows",
}
spec = from_mapping({**given, "verify": False, "activate": False})
operations.create(spec)
try:
    from_mapping({**given, "type": "local"})
except DescriptionError as error:
    of_local = [problem.field for problem in error.problems]
stack = schema()["resources"]["kitaru:index:Stack"]
print(json.dumps({
    "package": kitaru_iac.__file__,
    "model": [
        spec.service_account,
        str(typing.get_type_hints(KubernetesSpec)["service_account"]),
        to_mapping(spec)["service_account"],
    ],
    "named_resources": named_resources(spec)["service_account"],
    "not_of_a_local_stack": of_local,
    "json_schema": json_schema()["properties"]["service_account"],
    "pulumi_schema": [stack[part]["serviceAccount"]["type"] for part in
                      ("inputProperties", "properties")],
    "arguments": [
        "service_account" in inspect.signature(class_.__init__).parameters
        for class_ in (kitaru.Stack, kitaru.ProvisionedStack, kitaru.StackArgs)
    ],
    "output": str(inspect.get_annotations(kitaru.Stack)["service_account"]),
    "keyword": "service_account" in StackFields.__annotations__,
    "described": describe("prod").get("service_account"),
}))
"""


def edits(guide: Path) -> list[tuple[str, str, str]]:
    """The diffs of a guide: the file, the lines that are there, and those that are to be."""
    found = []
    for block in blocks(guide):
        if block.words != ("diff",):
            continue
        head, _, rest = block.text.partition("\n")
        for hunk in rest.split("@@\n"):
            lines = hunk.splitlines()
            before = "\n".join(line[1:] for line in lines if not line.startswith("+"))
            after = "\n".join(line[1:] for line in lines if not line.startswith("-"))
            found.append((head.removeprefix("--- "), before, after))
    return found


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.suffix in {".py", ".md"}
    }


class Copy:
    """A copy of the repository, in which this process's package is not seen."""

    def __init__(self, folder: Path, home: Home) -> None:
        self.folder = folder
        self.home = home
        kept = shutil.ignore_patterns("__pycache__", ".*")
        shutil.copytree(Path(kitaru_iac.__file__).parent, folder / "kitaru_iac", ignore=kept)
        for name in ("tests", "scripts", "docs"):
            shutil.copytree(ROOT / name, folder / name, ignore=kept)
        shutil.copy(ROOT / "pyproject.toml", folder)

    def python(self, *words: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            env=self.home.environment(PYTHONPATH=str(self.folder), PYTHONDONTWRITEBYTECODE="1"),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout or done.stderr

    def kitaru(self, *words: str) -> str:
        return self.python("-m", "kitaru_iac.cli.main", *words)


@pytest.fixture
def copy(tmp_path: Path, home: Home) -> Copy:
    return Copy(tmp_path / "repository", home)


def follow_the_guide(folder: Path) -> set[str]:
    """Edit the files as the guide says.

    Returns:
        Their names.
    """
    for name, before, after in edits(GUIDE):
        path = folder / name
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{name}: the guide is stale at\n{before}"
        path.write_text(text.replace(before, after), encoding="utf-8")
    return {name for name, _, _ in edits(GUIDE)}


def test_a_field_is_added_by_the_guide(copy: Copy) -> None:
    original = contents(copy.folder)
    by_hand = follow_the_guide(copy.folder)
    assert "_model_fields.py is stale" in copy.python("scripts/generate.py", "--check", code=1)
    copy.python("scripts/generate.py")
    copy.python("scripts/generate.py", "--check")
    copy.python("scripts/reference.py")
    changed = {name for name, text in contents(copy.folder).items() if original[name] != text}
    assert by_hand < changed
    assert len(by_hand) <= AT_MOST
    # Nothing else than these, and nothing of them by hand.
    assert {name.rpartition("/")[2] for name in changed - by_hand} == {
        *("_model_fields.py", "_keywords.py", "_flags.py", "_stack.py", "_provisioned.py"),
        *("cli.md", "pulumi.md"),
    }

    found = json.loads(copy.python("-c", PROBE).splitlines()[-1])
    assert found.pop("package").startswith(str(copy.folder))
    assert found == {
        "model": ["flows", "str | None", "flows"],
        "named_resources": "flows",
        "not_of_a_local_stack": ["container_registry", "cluster", "service_account"],
        "json_schema": {
            "description": "The Kubernetes service account of the flows' pods. It has to exist.",
            "type": "string",
            "minLength": 1,
            "pattern": "(?:^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)$)|" + FORM_PATTERN,
            "examples": ["flows"],
        },
        "pulumi_schema": ["string", "string"],
        "arguments": [True, True, True],
        "output": "pulumi.Output[str | None]",
        "keyword": True,
        "described": "flows",
    }

    shown = json.loads(copy.kitaru("stack", "show", "prod", "-o", "json"))["item"]
    runner = next(part for part in shown["components"] if part["role"] == "runner")
    assert runner["details"]["service_account"] == "flows"
    assert runner["configuration"]["service_account_name"] == "flows"
    assert "  service account: flows" in copy.kitaru("stack", "show", "prod").splitlines()
    assert "--service-account NAME" in copy.kitaru("stack", "create", "--help")
    assert "service_account" in copy.kitaru("stack", "schema")
    assert "`--service-account NAME`" in (copy.folder / "docs/reference/cli.md").read_text()
    assert "`serviceAccount`" in (copy.folder / "docs/reference/pulumi.md").read_text()
    copy.python("-m", "pytest", "-q", "tests/spec/test_bad_inputs.py", "-k", "service-account")


def test_the_repository_itself_is_fresh() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "scripts" / "generate.py")
    assert spec
    assert spec.loader
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    package = Path(kitaru_iac.__file__).parent  # of a wheel, not beside the scripts
    assert generate.stale(package=package) == {}, "run scripts/generate"
