"""The plugin without an engine: its process, spoken to as the protocol says."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2_grpc

from tests.pulumi.room import plugin_source
from tests.warm.client import executable

URN = "urn:pulumi:prod::platform::kitaru:index:Stack::dev"


def struct(**values: Any) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    message.update(values)
    return message


@contextmanager
def running_plugin() -> Iterator[Any]:
    """A running plugin; the engine it is told of is not there."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "pulumi-resource-kitaru"
        executable(program, plugin_source(Path(folder)))
        running = subprocess.Popen([program, "127.0.0.1:9"], stdout=subprocess.PIPE, text=True)
        yield from _called(running)


def _called(running: subprocess.Popen[str]) -> Iterator[Any]:
    assert running.stdout is not None
    port = int(running.stdout.readline())
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)
    running.terminate()
    assert running.wait(timeout=20) == 0
