"""Homes and stores to measure in: all made for this run, in a directory of its own."""

from __future__ import annotations

import base64
import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from uuid import UUID

from benchmarks.work import MANY
from tests.homes import Home, make_template, ready_home
from tests.servers.zenml import ZenMLServer

__all__ = ["add_descriptions", "add_stacks", "client_of", "local_home"]

_TIME = "2026-01-01 00:00:00.{:06}"
_DESCRIPTION = f"""\
name: many-{{number:03}}
type: kubernetes
artifact_store: s3://my-bucket/many-{{number:03}}
cluster: cluster
container_registry: 123456789012.dkr.ecr.eu-west-1.amazonaws.com
region: eu-west-1
credentials: aws-access-keys:AKIAIOSFODNN7EXAMPLE:{"x" * 40}
verify: false
activate: false
"""
_LOGIN = """
import sys
from zenml.client import Client
from zenml.config.global_config import GlobalConfiguration
from zenml.login.credentials_store import CredentialsStore
from zenml.zen_stores.rest_zen_store import RestZenStoreConfiguration

url, key = sys.argv[1:]
CredentialsStore().set_api_key(url, key)
GlobalConfiguration().set_store(RestZenStoreConfiguration(url=url))
Client().active_stack_model
"""


def local_home(root: Path, name: str, stacks: int) -> Home:
    """A home with a local store that holds so many stacks beside the default one."""
    home = ready_home(make_template(root / "template"), root / name)
    add_stacks(home.database, stacks)
    return home


def client_of(root: Path, name: str, server: ZenMLServer) -> Home:
    """A home that is logged in to a server."""
    home = ready_home(make_template(root / "template"), root / name)
    shutil.rmtree(home.config / "local_stores")
    done = home.run(sys.executable, "-c", _LOGIN, server.url, server.api_key)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, "login", done.stdout, done.stderr)
    return home


def add_stacks(database: Path, count: int) -> None:
    """Put stacks ``s0``, ``s1``, … into a database, each with three components of its own."""
    labels = _kept({"kitaru.managed": "true"})
    stacks, components, compositions = [], [], []
    for number in range(count):
        stack, time = UUID(int=(number << 96) + 1, version=4).hex, _TIME.format(number % 1_000_000)
        stacks.append((stack, time, time, f"s{number}", "", labels, labels))
        for place, (kind, flavor) in enumerate(
            (("orchestrator", "local"), ("artifact_store", "local"), ("container_registry", "aws"))
        ):
            component = UUID(int=(number << 96) + 2 + place, version=4).hex
            configuration = {"uri": f"{number:012}.dkr.ecr.eu-west-1.amazonaws.com"}
            kept = _kept(configuration if kind == "container_registry" else {})
            components.append((component, time, time, f"s{number}", kind, flavor, kept, labels))
            compositions.append((stack, component, kind))
    with closing(sqlite3.connect(database, timeout=30)) as db, db:
        db.executemany(
            "INSERT INTO stack (id, created, updated, name, description, labels, environment) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            stacks,
        )
        db.executemany(
            "INSERT INTO stack_component "
            "(id, created, updated, name, type, flavor, configuration, labels) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            components,
        )
        db.executemany(
            "INSERT INTO stack_composition (stack_id, component_id, default_for_type) "
            "VALUES (?, ?, ?)",
            compositions,
        )


def add_descriptions(home: Home) -> None:
    """Write the folders of `MANY` into a home, and apply what they describe."""
    for folder, count in MANY.items():
        (home.path / folder).mkdir()
        for number in range(count):
            text = _DESCRIPTION.format(number=number)
            (home.path / folder / f"{number:03}.yaml").write_text(text)
    done = home.kitaru("stack", "apply", "-f", "hundred/", "--yes")
    if done.returncode:
        raise RuntimeError(done.stderr)


def _kept(mapping: dict[str, str]) -> bytes:
    """As ZenML keeps mappings."""
    return base64.b64encode(json.dumps(mapping).encode())
