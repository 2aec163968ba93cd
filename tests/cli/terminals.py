"""Run a command on a real pseudo-terminal, and answer what it asks."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.homes import Home


@dataclass(frozen=True)
class Seen:
    code: int
    text: str


def on_terminal(
    home: Home,
    *arguments: str,
    answers: tuple[tuple[str, str], ...] = (),
    then: tuple[str, Callable[[str], None]] | None = None,
    **env: str,
) -> Seen:
    """Run `kitaru` with all three streams on one terminal.

    `answers` are pairs: when the first text has appeared, the second is typed. `then` is called
    with everything that was shown so far, once its text has appeared on a finished line.
    """
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "kitaru_iac.cli.main", *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=home.environment(**{"TERM": "xterm", **env}),
        cwd=home.path,
        start_new_session=True,
    )
    os.close(slave)
    text = ""
    waiting = list(answers)
    deadline = time.monotonic() + 240
    ready = select.poll()  # `select.select` takes no descriptor above 1023
    ready.register(master)
    while time.monotonic() < deadline:
        if ready.poll(200):
            try:
                chunk = os.read(master, 65536)
            except OSError:  # the terminal is closed: the process has ended
                break
            if not chunk:
                break
            text += chunk.decode(errors="replace")
            if waiting and waiting[0][0] in text:
                os.write(master, waiting.pop(0)[1].encode())
            if then is not None and "\n" in text.partition(then[0])[2]:
                _, call = then
                then = None
                call(text)
        elif process.poll() is not None:
            break
    os.close(master)
    return Seen(process.wait(30), text.replace("\r\n", "\n"))
