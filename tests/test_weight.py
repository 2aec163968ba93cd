"""What makes commands fast, without a clock: what they import, and how much memory they take.

How many statements and requests they send is shown beside the readers, in tests/gateway.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection

import pytest

from benchmarks.work import REMOTE
from tests.gateway.stores import connect
from tests.homes import Home
from tests.servers.zenml import ZenMLServer

#: None of these may be imported by a command that only reads, or switches.
HEAVY = {
    *("zenml", "pydantic", "sqlalchemy", "sqlmodel", "requests", "rich", "click"),
    "typer",  # see kitaru_iac/cli/short.py
    "kitaru_iac.gateway.documents",  # of what is written
    "dataclasses.make_dataclass",  # the standard library's view of our classes, see `values`
    *("pulumi", "grpc", "boto3", "botocore", "google", "azure", "kubernetes"),
}
#: What a look that compares descriptions needs.
LIGHTER = {"kitaru_iac.gateway.documents"}
#: Parts of ZenML that registering a local stack has no use for.
NEEDLESS = {
    *("zenml.deployers", "zenml.sandboxes", "zenml.image_builders", "zenml.container_registries"),
    *("zenml.login.credentials_store", "zenml.zen_server.auth", "asgiref"),
}
COMMANDS = (
    "stack list",
    "stack list --output json",
    "stack list --limit 100",
    "stack current",
    "stack show",
    "stack show default --output yaml",
    "stack use default",
)
MEGABYTES = 60
#: What a write on a server has no use for either.
NEEDLESS_ON_A_SERVER = {
    *("sqlite3", "dataclasses", "inspect", "difflib", "yaml", "concurrent.futures"),
    *("kitaru_iac.gateway.in_process", "kitaru_iac.gateway.memory"),
    *("kitaru_iac.clouds.aws.resources", "kitaru_iac.clouds.aws.provision.layout"),
}
#: How many of our modules such a command may import: so many as in November 2026, and five. And how
#: many regular expressions may be compiled, those of the standard library too: so many, and ten.
ON_A_SERVER = {
    f"stack create dev {REMOTE} --no-activate": (177, 79),
    f"stack preview dev {REMOTE} --no-activate": (169, 89),
    f"stack apply dev {REMOTE} --no-activate --namespace other --yes": (181, 89),
    "stack delete dev --recursive --force": (113, 64),
}

_PROGRAM = """
import gc, json, re, sys
full, young, patterns, compile_pattern = [], [], [], re._compiler.compile
re._compiler.compile = lambda *given: patterns.append(given) or compile_pattern(*given)
gc.callbacks.append(lambda phase, info: info["generation"] == 2 and full.append(phase))
from kitaru_iac.machine.termination import listen

listen()  # as `main` does first
gc.callbacks.append(lambda phase, info: young.append(phase))
from kitaru_iac.cli.main import run

code = run(sys.argv[1:], "kitaru")
sys.stdout.flush()
found = sorted({*sys.modules, *(name.partition(".")[0] for name in sys.modules)})
from kitaru_iac.values import _twin
if _twin.cache_info().currsize:
    found.append("dataclasses.make_dataclass")
weight = [code, found, len(full), len(patterns), len(young)]
sys.stderr.write("\\nWEIGHT " + json.dumps(weight) + "\\n")
try:  # not getrusage: it counts what the parent was before it became this program
    lines = open("/proc/self/status").read().splitlines()
    sys.stderr.write("PEAK " + next(line.split()[1] for line in lines if line.startswith("VmHWM")))
except OSError:  # only Linux tells
    sys.stderr.write("PEAK 0")
"""


def weigh(home: Home, line: str, without: Collection[str] = ()) -> None:
    done = home.run(sys.executable, "-c", _PROGRAM, *line.split())
    weight, _, peak = done.stderr.rpartition("WEIGHT ")[2].rpartition("PEAK ")
    code, found, *_ = json.loads(weight)
    assert code == 0, done.stderr
    assert set(found) & {*HEAVY, *without} == set()
    assert int(peak) / 1024 <= MEGABYTES


@pytest.mark.parametrize("line", COMMANDS)
def test_on_a_local_store(home: Home, line: str) -> None:
    weigh(home, line)


def test_no_change_and_a_preview_import_no_zenml_for_a_local_store(home: Home) -> None:
    assert home.kitaru("stack", "create", "dev").returncode == 0
    for line in ("stack apply dev --yes", "stack preview dev", "stack preview other"):
        done = home.run(sys.executable, "-c", _PROGRAM, *line.split())
        code, found, *_ = json.loads(done.stderr.rpartition("WEIGHT ")[2].rpartition("PEAK ")[0])
        assert code == 0, done.stderr
        assert set(found) & (HEAVY - LIGHTER) == set(), line


def test_a_write_to_a_local_store_imports_of_zenml_what_a_bare_script_does(home: Home) -> None:
    """Flavors called `local` are of seven kinds, and most of them import half of a server."""
    for line in ("stack create dev", "stack delete dev --recursive --force"):
        done = home.run(sys.executable, "-c", _PROGRAM, *line.split())
        told = done.stderr.rpartition("WEIGHT ")[2].rpartition("PEAK ")[0]
        code, found, collected, *_ = json.loads(told)
        assert code == 0, done.stderr
        # Looking for garbage among all that ZenML is takes a tenth of the command.
        assert collected == 0, line
        assert "zenml.zen_stores.sql_zen_store" in found
        assert set(found) & NEEDLESS == set(), line


def test_on_a_server(empty_server: ZenMLServer, home: Home) -> None:
    connect(empty_server)
    for line in COMMANDS:
        weigh(home, line, without={"sqlite3", "lzma"} | ({"yaml"} - set(line.split())))
    done = home.run(sys.executable, "-c", _PROGRAM, "status")
    code, found, *_ = json.loads(done.stderr.rpartition("WEIGHT ")[2].rpartition("PEAK ")[0])
    assert code == 0, done.stderr
    assert {"zenml", "sqlite3"}.isdisjoint(found)


def test_writing_on_a_server(empty_server: ZenMLServer, home: Home) -> None:
    connect(empty_server)
    for line, (modules, compiled) in ON_A_SERVER.items():
        done = home.run(sys.executable, "-c", _PROGRAM, *line.split())
        weight, _, peak = done.stderr.rpartition("WEIGHT ")[2].rpartition("PEAK ")
        code, found, _, patterns, collected = json.loads(weight)
        assert code == 0, done.stderr
        assert set(found) & {*(HEAVY - LIGHTER), *NEEDLESS_ON_A_SERVER} == set(), line
        assert sum(name.startswith("kitaru_iac") for name in found) <= modules, line
        assert patterns <= compiled, line
        assert collected == 0, line
        assert int(peak) / 1024 <= MEGABYTES


def test_a_long_list(home: Home) -> None:
    from benchmarks.places import add_stacks

    add_stacks(home.database, 5000)
    weigh(home, "stack list --output json")
