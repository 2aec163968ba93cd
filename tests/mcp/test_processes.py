"""The server as a process of its own: its wire, its end, and who may reach it over HTTP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import anyio
import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from tests.homes import Home
from tests.mcp.conversation import ERAS, answers, every_tool
from tests.warm.client import executable

TOKEN = "t0ken-of-this-test-0123456789"
DEV = {"name": "dev"}
_INITIALIZE = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}
#: A hook as other distributions bring one: whatever is there prints, in every way and at the end.
_HOOK = """
import atexit, os, sys

def init():
    print("a hook prints", flush=True)
    sys.__stdout__.write("kept back until the end")
    os.write(1, b"a C library writes")
    os.system("echo a child echoes")
    atexit.register(lambda: os.write(1, b"and at the exit"))
"""
#: A server whose first registration says so, and waits until it is let go.
_SLOW = """
import pathlib, sys, time
from kitaru_iac.gateway.local_gateway import LocalGateway
from kitaru_iac.mcp.main import main

register, folder = LocalGateway.create_stack, pathlib.Path(sys.argv.pop())

def create_stack(gateway, new):
    (folder / "reached").touch()
    while not (folder / "go").exists():
        time.sleep(0.02)
    return register(gateway, new)

LocalGateway.create_stack = create_stack
main()
"""


def _environment(home: Home, **more: str) -> dict[str, str]:
    return home.environment(**more)


class Wire:
    """A client that reads every byte that the server writes.

    Args:
        argv: The server.
        environment: Its environment.
    """

    def __init__(self, argv: list[str], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            argv,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._number = 0
        self.ask("initialize", **_INITIALIZE)
        self.send({"method": "notifications/initialized"})

    def send(self, message: dict[str, Any]) -> None:
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self.process.stdin.flush()

    def begin(self, method: str, **params: Any) -> int:
        self._number += 1
        self.send({"id": self._number, "method": method, "params": params})
        return self._number

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        number = self.begin(method, **params)
        while True:
            message = json.loads(self.process.stdout.readline())  # each line is a message
            assert message["jsonrpc"] == "2.0"
            if message.get("id") == number:
                return message["result"]

    def call(self, name: str, **arguments: Any) -> dict[str, Any]:
        result = self.ask("tools/call", name=name, arguments=arguments)
        assert not result.get("isError"), result
        return result["structuredContent"]

    def applying(self) -> None:
        plan = self.call("stack_preview", description=DEV)
        arguments = {"description": DEV, "digest": plan["digest"]}
        self.begin("tools/call", name="stack_apply", arguments=arguments)


def _server(mode: str = "destructive", *words: str) -> list[str]:
    return [sys.executable, "-P", "-m", "kitaru_iac.mcp", "--mode", mode, *words]


def _cpu_seconds(process: int) -> float:
    """What a process and its ended children used: a busy machine makes it no longer."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def test_nothing_but_the_protocol_is_on_stdout(home: Home, tmp_path: Path) -> None:
    """Whatever ZenML logs, a hook prints, a C library or a child writes."""
    info = tmp_path / "noisy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: noisy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[zenml.init_hooks]\nnoisy = noisy:init\n")
    (tmp_path / "noisy.py").write_text(_HOOK)
    environment = _environment(home, ZENML_LOGGING_VERBOSITY="DEBUG", KITARU_DEBUG="1")
    environment["PYTHONPATH"] = str(tmp_path)
    wire = Wire([sys.executable, "-P", "-m", "kitaru_iac.cli.main", *_MCP], environment)
    # It is answered by nothing, and is no end of it.
    wire.process.stdin.write(b'no JSON\n{"jsonrpc": "2.0"\n')
    tools = {tool["name"] for tool in wire.ask("tools/list")["tools"]}
    assert {"stack_preview", "stack_apply", "stack_list"} <= tools
    plan = wire.call("stack_preview", description=DEV)
    made = wire.call("stack_apply", description=DEV, digest=plan["digest"])
    assert made["changed"]
    used = _cpu_seconds(wire.process.pid)
    for _ in range(10):
        wire.call("stack_list")
    assert _cpu_seconds(wire.process.pid) - used < 5, "a warm call starts something"
    rest, errors = wire.process.communicate(timeout=60)
    assert (wire.process.returncode, rest) == (0, b"")
    for said in (b"a hook prints", b"a C library writes", b"a child echoes"):
        assert said in errors


_MCP = ("mcp", "--mode", "destructive")


@pytest.mark.parametrize("era", ERAS)
def test_every_tool_over_stdio_through_the_script(
    home: Home, era: Literal["auto", "legacy"]
) -> None:
    """Each era costs a server: about 5 s of CPU."""
    user = answers("dev")
    script = Path(sys.executable).with_name("kitaru-iac-mcp")
    server = StdioServerParameters(
        command=str(script), args=["--mode", "destructive"], env=_environment(home)
    )

    async def say() -> None:
        async with Client(server, mode=era, elicitation_callback=user) as client:
            await every_tool(client, user)

    anyio.run(say)


def _in_a_write(home: Home, folder: Path) -> Wire:
    """A server that has begun to register a stack; `go` in the folder lets it go on."""
    (folder / "slow.py").write_text(_SLOW)
    executable(folder / "slow", folder / "slow.py")
    wire = Wire([str(folder / "slow"), "--mode", "standard", str(folder)], _environment(home))
    wire.applying()
    _until((folder / "reached").exists)
    return wire


@pytest.mark.parametrize("ending", ["SIGTERM", "stdin closed"])
def test_a_server_that_is_ended_in_the_middle_of_a_write_ends_it_first(
    home: Home, tmp_path: Path, ending: str
) -> None:
    wire = _in_a_write(home, tmp_path)
    if ending == "stdin closed":
        wire.process.stdin.close()
        wire.process.stdin = None
    else:
        wire.process.send_signal(getattr(signal, ending))
    time.sleep(0.3)
    assert wire.process.poll() is None, "it does not leave the write alone"
    (tmp_path / "go").touch()
    wire.process.communicate(timeout=60)
    assert wire.process.returncode == (0 if ending == "stdin closed" else 130)
    shown = json.loads(home.kitaru("stack", "show", "dev", "--output", "json").stdout)["item"]
    assert len(shown["components"]) == 2
    cleaned = home.kitaru("stack", "clean", "--yes", "--output", "json")
    assert json.loads(cleaned.stdout)["item"]["removed"] == []


def test_a_second_signal_ends_a_server_at_once(home: Home, tmp_path: Path) -> None:
    """The write of `_SLOW` would go on for ever."""
    wire = _in_a_write(home, tmp_path)
    wire.process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert wire.process.poll() is None, "the first one leaves the write alone"
    wire.process.send_signal(signal.SIGINT)
    _, errors = wire.process.communicate(timeout=60)
    assert wire.process.returncode == 130
    assert b"Traceback" not in errors, errors


@pytest.mark.parametrize("way", ["--debug", "KITARU_DEBUG", None])
def test_the_traceback_of_an_error_is_in_the_log_where_it_is_asked_for(
    home: Home, way: str | None
) -> None:
    more = {"KITARU_DEBUG": "yes"} if way == "KITARU_DEBUG" else {}
    words = ["--debug"] if way == "--debug" else []
    argv = [sys.executable, "-P", "-m", "kitaru_iac.cli.main", *_MCP, *words]
    wire = Wire(argv, _environment(home, **more))
    result = wire.ask("tools/call", name="stack_show", arguments={"stack": f"hf_{'x' * 34}"})
    assert result["isError"]
    _, errors = wire.process.communicate(timeout=60)
    assert (b"StackNotFound" in errors) is (b"Traceback" in errors) is (way is not None)
    assert b"x" * 34 not in errors


def test_an_error_before_it_serves_is_a_document_where_one_is_asked_for(home: Home) -> None:
    done = home.kitaru("mcp", "--http", "--output", "json")
    assert (done.returncode, done.stdout) == (64, "")
    error = json.loads(done.stderr)
    assert (error["command"], error["error"]["code"]) == ("mcp", "usage_error")


def test_a_server_that_nobody_asks_ends_at_once_with_a_signal(home: Home) -> None:
    wire = Wire(_server(), _environment(home))
    wire.process.send_signal(signal.SIGTERM)
    assert wire.process.wait(20) == 130


def _until(done: Any) -> None:
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


# -- HTTP ------------------------------------------------------------------------------------------


@contextmanager
def _listening(home: Home, *words: str, **more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        _server("destructive", "--http", "--port", "0", *words),
        env=_environment(home, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stderr.readline()
        assert line.startswith("Listening on http://127.0.0.1:"), line + process.stderr.read()
        yield process, line.split()[-1]
    finally:
        process.kill()
        process.communicate()


def test_over_http_a_request_needs_the_token_and_the_right_names(
    home: Home, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    with _listening(home, "--token-file", str(file)) as (process, url):
        good = {"Authorization": f"Bearer {TOKEN}"}
        for headers, status in (
            ({}, 401),
            ({"Authorization": f"Bearer {TOKEN}x"}, 401),
            ({"Authorization": TOKEN}, 401),
            ({"Authorization": "Bearer x"}, 401),
            ({**good, "Host": "evil.example"}, 421),
            ({**good, "Host": "127.0.0.1:1"}, 421),
            ({**good, "Origin": "https://evil.example"}, 403),
            ({**good, "Origin": "null"}, 403),
        ):
            for path in ("", "/other"):
                done = httpx2.post(f"{url}{path}", json={}, headers=headers)
                assert done.status_code == status, headers
        assert httpx2.post(f"{url}/other", json={}, headers=good).status_code == 404

        async def say() -> None:
            for era in ERAS:
                user = answers("dev")
                async with (
                    httpx2.AsyncClient(headers=good, timeout=60) as http,
                    Client(
                        streamable_http_client(url, http_client=http),
                        mode=era,
                        elicitation_callback=user,
                    ) as client,
                ):
                    await every_tool(client, user)

        anyio.run(say)
        assert TOKEN not in Path(f"/proc/{process.pid}/cmdline").read_text()
        process.terminate()
        out, errors = process.communicate(timeout=30)
        assert (process.returncode, out) == (130, "")
        assert TOKEN not in errors


def test_the_token_of_the_environment_is_for_the_server_alone(home: Home) -> None:
    with _listening(home, KITARU_MCP_TOKEN=TOKEN) as (_, url):
        done = httpx2.post(url, json={}, headers={"Authorization": f"Bearer {TOKEN}"})
        assert done.status_code not in (401, 403, 421)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "HTTP needs a token"),
        (["--token-file", "{folder}/nothing"], "cannot be read"),
        (["--token-file", "{folder}/open"], "Others may read"),
        (["--token-file", "{folder}/short"], "16 printable"),
    ],
)
def test_http_without_a_sound_token_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    from kitaru_iac.errors import UsageError
    from kitaru_iac.mcp import main as entry

    for name, text, mode in (("open", TOKEN, 0o644), ("short", "secret", 0o600)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(mode)
    file = words[1].format(folder=tmp_path) if words else None
    with pytest.raises(UsageError, match=said) as refused:
        entry._token(file)
    assert TOKEN not in str(refused.value)
    monkeypatch.setenv("KITARU_MCP_TOKEN", TOKEN)
    assert entry._token(None) == TOKEN
    assert "KITARU_MCP_TOKEN" not in os.environ
