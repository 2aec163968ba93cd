"""Everything on a server works where ZenML cannot be imported, and no cloud SDK is loaded."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import tests
from tests.homes import Home
from tests.servers.zenml import ZenMLServer

#: Begins a process in which ZenML cannot be imported.
_ABSENT = """
import contextlib, importlib.abc, io, json, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "zenml":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
"""

#: Runs the command lines given as JSON in one process, as an agent would.
_PROGRAM = f"""{_ABSENT}
from kitaru_iac.cli.main import run

for words in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(words, "kitaru")
    print(json.dumps([code, out.getvalue(), err.getvalue()]))
print(json.dumps(sorted(sys.modules)))
"""

#: The Python interface, and the Pulumi plugin as its engine calls it.
_FACES = f"""{_ABSENT}
import kitaru_iac as kitaru
from tests.pulumi.driver import Engine, Wanted

changed = {{"name": "sdk", "type": "local", "labels": {{"team": "ml"}}}}
kitaru.create_stack("sdk", activate=False)
told = [
    kitaru.preview(changed).plan.has_changes,
    kitaru.apply(changed).changed,
    kitaru.show_stack("sdk").labels["team"],
    [stack.name for stack in kitaru.list_stacks()],
]
kitaru.delete("sdk", recursive=True, force=True)

def program(folder):
    return {{"dev": Wanted({{
        "name": "dev",
        "type": "sagemaker",
        "region": "eu-west-1",
        "artifactStore": f"s3://data/{{folder}}",
        "containerRegistry": "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        "executionRole": "arn:aws:iam::123456789012:role/runner",
        "credentials": "aws-access-keys:AKIAEXAMPLE000000000:only-an-example-and-not-a-true-key-0",
        "verify": False,
    }})}}

engine, wanted, more = Engine(), program("a"), program("b")
steps = [engine.up(wanted, preview=True), engine.up(wanted), engine.up(wanted), engine.up(more),
         engine.refresh(), engine.up({{}})]
print(json.dumps([told, [step.get("dev") for step in steps], "zenml" in sys.modules]))
"""

_STACK = """\
name: prod
type: sagemaker
region: eu-west-1
artifact_store: s3://data/{folder}
container_registry: 123456789012.dkr.ecr.eu-west-1.amazonaws.com
execution_role: arn:aws:iam::123456789012:role/runner
credentials: aws-access-keys:AKIAEXAMPLE000000000:only-an-example-and-not-a-true-key-000000
verify: false
"""


def _run(home: Home, lines: list[list[str]], **env: str) -> tuple[list[list[object]], list[str]]:
    done = home.run(sys.executable, "-c", _PROGRAM, json.dumps(lines), **env)
    *answers, modules = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(lines), done.stderr
    return answers, modules


def test_every_command_on_a_server(bare_home: Home, empty_server: ZenMLServer) -> None:
    first, second, wrong = (bare_home.path / f"{n}.yaml" for n in ("first", "second", "wrong"))
    first.write_text(_STACK.format(folder="a"))
    second.write_text(_STACK.format(folder="b") + "async: true\n")
    wrong.write_text(_STACK.format(folder="b") + "extra: {orchestrator: {synchronus: true}}\n")
    lines: list[tuple[int, str]] = [
        (0, f"login {empty_server.url}"),
        (0, "status"),
        (0, "stack create dev"),
        (0, f"stack preview -f {first}"),
        (0, f"stack apply -f {first} --yes"),
        (0, f"stack apply -f {first} --yes"),
        (0, f"stack apply -f {second} --yes"),
        (0, f"stack preview -f {second} --detailed-exitcode"),
        (0, "stack drift prod --detailed-exitcode"),
        (64, f"stack apply -f {wrong} --yes"),
        (0, "stack list -o json"),
        (0, "stack current"),
        (0, "stack show prod -o json"),
        (0, f"ci preview -f {first}"),
        (0, f"ci apply -f {first} --unreviewed"),
        (0, f"ci apply -f {second} --unreviewed"),
        (0, "stack use dev"),
        (5, "stack create dev"),
        (0, "stack drift"),
        (0, "stack health dev"),
        (0, "stack export prod"),
        (0, "stack rename dev team"),
        (0, "stack copy team dev"),
        (0, "stack adopt team --yes"),
        (0, "stack delete team --recursive --yes --force"),
        (0, "stack clean --yes"),
        (0, "stack use dev"),
        (0, "stack delete prod --recursive --yes"),
        (0, "stack delete dev --recursive --yes --force"),
        (0, f"init {bare_home.path}"),
        (0, "doctor"),
        (0, "logout"),
    ]
    answers, modules = _run(
        bare_home, [line.split() for _, line in lines], KITARU_API_KEY=empty_server.api_key
    )
    for (code, line), (found, out, err) in zip(lines, answers, strict=True):
        assert found == code, (line, out, err)
    said = {line: out for (_, line), (_, out, _) in zip(lines, answers, strict=True)}
    assert json.loads(str(said["stack list -o json"]))["count"] == 3
    assert "s3://data/b" in str(said["stack show prod -o json"])
    assert "synchronous" in str(answers[9][2])
    heavy = {"boto3", "botocore", "kubernetes", "pulumi", "grpc", "sqlalchemy", "requests"}
    assert heavy & set(modules) == set()
    left = [s["name"] for s in empty_server.items("/stacks")]
    assert left == ["default"]
    assert list(empty_server.items("/service_connectors")) == []


def test_python_and_the_pulumi_plugin(bare_home: Home, empty_server: ZenMLServer) -> None:
    env = {"ZENML_STORE_URL": empty_server.url, "ZENML_STORE_API_KEY": empty_server.api_key}
    root = str(Path(tests.__file__).parents[1])
    done = bare_home.run(sys.executable, "-c", _FACES, PYTHONPATH=root, **env)
    assert done.returncode == 0, done.stderr
    told, steps, has_zenml = json.loads(done.stdout.splitlines()[-1])
    assert told == [True, True, "ml", ["default", "sdk"]]
    assert steps == ["create", "create", "same", "update", "refresh", "delete"]
    assert not has_zenml
    assert [stack["name"] for stack in empty_server.items("/stacks")] == ["default"]


def test_a_job_that_has_only_variables(bare_home: Home, empty_server: ZenMLServer) -> None:
    env = {"ZENML_STORE_URL": empty_server.url, "ZENML_STORE_API_KEY": empty_server.api_key}
    lines = [["stack", "create", "ci"], ["stack", "current", "-o", "json"]]
    answers, _ = _run(bare_home, lines, **env)
    assert [code for code, _, _ in answers] == [0, 0], answers
    assert json.loads(str(answers[1][1]))["item"]["name"] == "ci"
    kept = (bare_home.config / "credentials.yaml").read_text()
    assert empty_server.api_key not in kept  # a token, and the key stays in the environment


@pytest.mark.parametrize("words", ["stack list", "stack create dev", "stack use dev"])
def test_the_local_store_says_what_is_missing(bare_home: Home, words: str) -> None:
    (answer,), _ = _run(bare_home, [words.split()])
    code, out, err = answer
    assert (code, out) == (1, "")
    assert "ZenML is not installed here" in str(err)
    assert "bug" not in str(err)


def test_a_lost_token_is_renewed_once_for_a_write_too(
    bare_home: Home, empty_server: ZenMLServer
) -> None:
    answers, _ = _run(bare_home, [["login", empty_server.url]], KITARU_API_KEY=empty_server.api_key)
    assert answers[0][0] == 0, answers
    file: Path = bare_home.config / "credentials.yaml"
    lines = [
        "    access_token: no-such-token" if "access_token" in line else line
        for line in file.read_text().splitlines()
    ]
    spoilt = "\n".join(lines) + "\n"
    for words in ("status", "stack create dev"):
        file.write_text(spoilt)
        answers, _ = _run(bare_home, [words.split()])
        assert answers[0][0] == 0, answers
        assert "no-such-token" not in file.read_text()
