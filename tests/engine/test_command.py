"""Ctrl-C while the engine runs, and the connections to it: with a program in the engine's place."""

from __future__ import annotations

import socket
import subprocess
import sys
from concurrent import futures
from pathlib import Path
from textwrap import dedent

import grpc
import pytest
from pulumi.runtime import settings

from kitaru_iac.engine.workspace import with_channels_of_its_own

_ASKS = """
import os, signal, sys
from pathlib import Path
from types import SimpleNamespace
from kitaru_iac.engine.command import EngineCommand, EngineInterrupted

def press(number=signal.{signal}):
    os.kill(os.getpid(), number)

def pressed(count):
    print("press", count, flush=True)
    if count < {presses}:
        press()  # while this one is being answered: the moment at which it must not be lost

engine = SimpleNamespace(path=Path(sys.argv[1]), version="3.274.1")
command = EngineCommand(engine, on_interrupt=pressed)
try:
    command.run([], ".", {{}}, on_output=lambda line: press() if line == "ready" else None)
except EngineInterrupted as stop:
    print("ended", stop.code, stop.at_once)
try:
    press(signal.SIGINT)
except KeyboardInterrupt:
    print("Ctrl-C is Ctrl-C again")
"""

_ENGINE = """\
#!/usr/bin/env python3
import signal, sys, time
left = {survives}
def stop(*_):
    global left
    left -= 1
    if left < 0:
        sys.exit(7)
signal.signal(signal.SIGINT, stop)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("signal", "survives", "presses", "ended"),
    [
        ("SIGINT", 0, 1, "ended 7 False"),
        ("SIGINT", 1, 2, "ended 7 True"),
        ("SIGINT", 9, 3, "ended -9 True"),
        ("SIGTERM", 0, 1, "ended 7 False"),
    ],
)
def test_each_signal_is_passed_on_as_ctrl_c_and_the_third_kills(
    tmp_path: Path, signal: str, survives: int, presses: int, ended: str
) -> None:
    engine = tmp_path / "pulumi"
    engine.write_text(_ENGINE.format(survives=survives))
    engine.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", dedent(_ASKS).format(presses=presses, signal=signal), str(engine)],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    said = [f"press {count + 1}" for count in range(presses)]
    assert done.stdout.splitlines() == [*said, ended, "Ctrl-C is Ctrl-C again"], done.stderr


def test_an_engine_at_the_port_of_a_dead_one_is_reached_at_once() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with_channels_of_its_own()
    with_channels_of_its_own()
    dead = settings.Settings("project", "stack", monitor=address)
    assert _answer(dead) is grpc.StatusCode.UNAVAILABLE
    server = grpc.server(futures.ThreadPoolExecutor(1))
    server.add_insecure_port(address)
    server.start()
    try:
        assert (
            _answer(settings.Settings("project", "stack", monitor=address))
            is grpc.StatusCode.UNIMPLEMENTED
        )
    finally:
        server.stop(None)


def _answer(given: settings.Settings) -> object:
    from pulumi.runtime.proto import resource_pb2

    monitor = given.monitor
    assert monitor is not None
    with pytest.raises(grpc.RpcError) as refused:
        monitor.SupportsFeature(resource_pb2.SupportsFeatureRequest(id="secrets"))
    return refused.value.code()  # type: ignore[attr-defined]
