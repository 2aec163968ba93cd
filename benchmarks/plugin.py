"""What the engine asks of the Pulumi plugin for twenty new stacks: ``plugin.py PROGRAM PREFIX``.

It speaks to the plugin as the engine does in ``pulumi up``: a preview, then the creation of each.
The time and the memory that count are those of the plugin, which is the only child; the last line
says them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2, provider_pb2_grpc

STACKS = 20


class Engine(engine_pb2_grpc.EngineServicer):
    """What the plugin reports its progress to."""

    def Log(self, request: Any, context: Any) -> empty_pb2.Empty:  # noqa: ARG002, N802
        """Take a line."""
        return empty_pb2.Empty()


def listen() -> tuple[grpc.Server, int]:
    """Start the engine's end."""
    server = grpc.server(ThreadPoolExecutor(2))
    engine_pb2_grpc.add_EngineServicer_to_server(Engine(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def ask(port: int, prefix: str) -> None:
    """Preview and create each of the stacks."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        plugin = provider_pb2_grpc.ResourceProviderStub(channel)
        plugin.Configure(provider_pb2.ConfigureRequest(args=struct_pb2.Struct()))
        for preview in (True, False):
            for number in range(STACKS):
                name = f"{prefix}-{number}"
                urn = f"urn:pulumi:prod::platform::kitaru:index:Stack::{name}"
                news = struct_pb2.Struct()
                news.update({"name": name, "activate": False})
                checked = plugin.Check(provider_pb2.CheckRequest(urn=urn, news=news))
                assert not checked.failures, checked.failures
                plugin.Create(
                    provider_pb2.CreateRequest(urn=urn, properties=checked.inputs, preview=preview)
                )


def main(program: str, prefix: str) -> None:
    """Start the plugin, ask it, and say what it took."""
    engine, port = listen()
    # A plugin of another version must not find this one's modules.
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    running = subprocess.Popen(
        [program, f"127.0.0.1:{port}"], stdout=subprocess.PIPE, text=True, env=own
    )
    assert running.stdout is not None
    ask(int(running.stdout.readline()), prefix)
    running.terminate()
    _, _, usage = os.wait4(running.pid, 0)
    engine.stop(None)
    sys.stdout.write(f"cpu: {usage.ru_utime + usage.ru_stime:.3f} peak: {usage.ru_maxrss}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
