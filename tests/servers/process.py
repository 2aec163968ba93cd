"""A child process on 127.0.0.1 whose log is shown when it does not come up."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import requests

#: What a child gets of the surrounding environment: nothing that names a cloud, a proxy or a store.
_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "SYSTEMROOT")


class StartError(RuntimeError):
    """A server did not come up; the message ends with its log."""


def clean_environment(home: Path) -> dict[str, str]:
    """An environment without anybody's credentials, proxies or configuration, with its own HOME."""
    home.mkdir(parents=True, exist_ok=True)
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | {
        "HOME": str(home),
        "PYTHONUNBUFFERED": "1",
    }


def listening_socket() -> socket.socket:
    """A socket that already listens on a free port, to be handed to a child by its descriptor."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    listener.set_inheritable(True)
    return listener


def free_port() -> int:
    """A port that was free a moment ago, for programs that cannot inherit a socket."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


class ChildProcess:
    """One process, its log file, and a stop which touches that process alone."""

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def start(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        *,
        cwd: Path | None = None,
        listener: socket.socket | None = None,
    ) -> None:
        """Start the command; a listener is inherited, and closed here: the child alone owns it."""
        if self._process is not None:
            raise RuntimeError(f"{self.name} is already running")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self.log.open("ab") as output:
                self._process = subprocess.Popen(
                    command,
                    env=dict(env),
                    cwd=cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    pass_fds=() if listener is None else (listener.fileno(),),
                )
        finally:
            if listener is not None:
                listener.close()

    def wait_until(self, ready: Callable[[], bool], timeout: float) -> None:
        """Poll until ready; a dead process or the end of the time raises with the log's tail."""
        assert self._process is not None
        deadline = time.monotonic() + timeout
        while True:
            code = self._process.poll()
            if code is not None:
                raise StartError(f"{self.name} ended with code {code}.\n{self.log_tail()}")
            with suppress(requests.RequestException):
                if ready():
                    return
            if time.monotonic() > deadline:
                raise StartError(
                    f"{self.name} was not ready in {timeout:.0f} s.\n{self.log_tail()}"
                )
            time.sleep(0.05)

    def log_tail(self, lines: int = 60) -> str:
        if not self.log.exists():
            return "(no log)"
        tail = self.log.read_text(errors="replace").splitlines()[-lines:]
        return "\n".join([f"--- end of {self.log}", *tail])

    def stop(self, patience: float = 10) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
