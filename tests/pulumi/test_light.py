"""What makes the plugin fast, without a clock: what it imports, and what it asks a server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from pulumi.runtime import rpc
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS

from kitaru_iac.gateway.session import Session
from kitaru_iac.pulumi.plugin import place, runs, stacks
from kitaru_iac.pulumi.plugin.protocol import GRPC_OPTIONS
from kitaru_iac.pulumi.plugin.wire import UNKNOWN, read
from tests.pulumi.protocol import struct
from tests.stacks.test_questions import requests_heard

#: Pulumi's SDK, ZenML and what they bring take as long to load as twenty stacks to register.
HEAVY = {"pulumi", "pulumi.runtime", "dill", "zenml", "pydantic", "sqlite3", "boto3", "inspect"}
_PROGRAM = """
import asyncio, json, sys
import grpc.aio
theirs = set(sys.modules)
import kitaru_iac.pulumi.plugin.main
import kitaru_iac.pulumi.plugin.servicer as servicer
from kitaru_iac.pulumi.plugin import protocol
found = sorted(set(sys.modules) - theirs)
answers = protocol.provider_pb2_grpc.ResourceProviderServicer

from kitaru_iac.pulumi.plugin.sdk import component_servicer
import pulumi.runtime.proto
from pulumi.runtime.proto import provider_pb2, status_pb2

assert hasattr(pulumi, "ComponentResource")
assert provider_pb2 is protocol.provider_pb2 and status_pb2 is protocol.status_pb2
assert pulumi.runtime.proto.ResourceProviderServicer is answers
assert isinstance(component_servicer("127.0.0.1:9"), answers)
print(json.dumps(found))
"""


def test_the_sdk_is_not_loaded_before_a_component_is_built() -> None:
    asked = [sys.executable, "-c", _PROGRAM]
    done = subprocess.run(asked, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found) & HEAVY == set()
    assert [name for name in found if "pb2" in name and "analyzer" in name] == []


def test_what_is_written_down_of_the_sdk_is_the_sdks() -> None:
    ours = "grpc.use_local_subchannel_pool"  # added by `engine.workspace`, where it ran before
    assert [one for one in _GRPC_CHANNEL_OPTIONS if one[0] != ours] == GRPC_OPTIONS
    assert UNKNOWN == rpc.UNKNOWN


@pytest.fixture
def fresh_process() -> Iterator[None]:
    """What a process keeps of its connections begins and ends with the test."""
    kept = (place._found, place._open, place._readers)
    for one in kept:
        one.clear()
    yield
    for one in kept:
        one.clear()
    runs._backend.cache_clear()


@pytest.mark.usefixtures("server_home", "fresh_process")
def test_stacks_share_their_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Session] = []
    begin = Session.__init__

    def counted(self: Session, *given: object, **named: object) -> None:
        opened.append(self)
        begin(self, *given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Session, "__init__", counted)
    for number in range(3):
        name = f"light-{number}"
        urn = f"urn:pulumi:prod::platform::kitaru:index:Stack::{name}"
        with requests_heard() as heard:
            stacks.preview(urn, name, read(struct(name=name)))
            stacks.create(urn, name, read(struct(name=name)), lambda _: None)
        if number:  # the first one asks for the flavors too
            assert heard == {
                # A look each, once more before the write, and read back; then as the state has it,
                # and which one is active, where none is set here.
                "GET stacks": 2 + 1 + 1,
                "GET components": 2 + 1 + 1 + 1,
                "GET service_connectors": 2,
                "POST stacks": 1,
                "PUT components": 2,
                "PUT stacks": 1,
            }
    assert len(opened) == 2, "one that writes, and one that reads"
