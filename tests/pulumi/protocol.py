"""The plugin without an engine: its process, spoken to as the protocol says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2_grpc

URN = "urn:pulumi:prod::platform::kitaru:index:Stack::dev"


def struct(**values: Any) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    message.update(values)
    return message


@contextmanager
def running_plugin() -> Iterator[Any]:
    """A running plugin; the engine it is told of is not there."""
    running = subprocess.Popen(
        [sys.executable, "-m", "kitaru_iac.pulumi.plugin.main", "127.0.0.1:9"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    port = int(running.stdout.readline())
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)
    running.terminate()
    assert running.wait(timeout=20) == 0
