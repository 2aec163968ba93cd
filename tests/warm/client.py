"""Asking the process that forks: from a test, and from a program that a test installs somewhere."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

__all__ = [
    "Process",
    "Started",
    "begin",
    "begin_run",
    "commands",
    "executable",
    "run",
    "run_folder",
]

#: Where all workers of one run meet; set by the first process of the run.
_RUN = "TESTS_RUN"
#: Read by Python before anything of ours runs: a fork would not see them.
_TOO_LATE = ("PYTHON", "COVERAGE", "LD_")
#: In seconds. Beside builds, on a machine without any cache, two minutes were not enough.
_START = 280.0

_PROGRAM = '''#!{python} -IS
"""Stands for a program: lets the process that forks run it, with this one's files and signals."""
import json, os, signal, socket, sys

there = socket.socket(socket.AF_UNIX)
there.connect({address!r})
asked = dict(argv=["path", {program!r}, *sys.argv[1:]], env=dict(os.environ), cwd=os.getcwd())
socket.send_fds(there, [json.dumps(asked).encode() + b"\\n"], [0, 1, 2])
answers = there.makefile("rb", buffering=0)
answers.readline()
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda n, _: there.sendall(b"%d\\n" % n))
for number in (0, 1):
    os.close(number)
code = int(answers.readline() or 1)
if code < 0:
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
os._exit(code)
'''


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    input: str | None = None,
    timeout: float = 240,
) -> subprocess.CompletedProcess[str]:
    """What `subprocess.run` does with text and without a terminal; Python is forked if it can be.

    Raises:
        subprocess.TimeoutExpired: As it does.
    """
    asked = _python(argv)
    if asked is None or not _may_be_forked(env):
        return subprocess.run(
            argv,
            env=env,
            cwd=cwd,
            input=input,
            stdin=None if input is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    with Started(asked, env=env, cwd=cwd, input=input) as started:
        try:
            code, out, err = started.communicate(timeout)
        except TimeoutError as error:
            raise subprocess.TimeoutExpired(argv, timeout) from error
    return subprocess.CompletedProcess(argv, code, out, err)


class Started:
    """A process that was forked, without a terminal.

    Args:
        asked: What Python is asked for: ``-m``, the module, and its arguments; or ``-c``; or
            ``path`` and a file.
        env: The environment variables.
        cwd: The directory.
        input: What it reads on stdin.
        log: Where it writes, if that is read meanwhile.

    Attributes:
        pid: Its process id.
        returncode: The exit code, or a signal's number less than 0, once its end was seen.
    """

    def __init__(
        self,
        asked: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        input: str | None = None,
        log: Path | None = None,
    ) -> None:
        self.returncode: int | None = None
        with contextlib.ExitStack() as files:
            source = files.enter_context(tempfile.TemporaryFile())
            open_one = partial(log.open, "ab+") if log else tempfile.TemporaryFile
            self._out, self._err = (files.enter_context(open_one()) for _ in range(2))
            source.write((input or "").encode())
            source.seek(0)
            self._there = files.enter_context(socket.socket(socket.AF_UNIX))
            self._there.connect(address())
            request = json.dumps({"argv": [*asked], "env": dict(env), "cwd": str(cwd)})
            given = [file.fileno() for file in (source, self._out, self._err)]
            socket.send_fds(self._there, [request.encode() + b"\n"], given)
            self._answers = files.enter_context(self._there.makefile("rb", buffering=0))
            self.pid = int(self._answers.readline())
            self._files = files.pop_all()

    def __enter__(self) -> Started:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def communicate(self, timeout: float) -> tuple[int, str, str]:
        """Wait for its end; the exit code, or a signal's number less than 0, and what it wrote.

        Raises:
            TimeoutError: It has not ended by then.
        """
        code = self.wait(timeout)
        said = []
        for file in (self._out, self._err):
            file.seek(0)
            said.append(file.read().decode())
        return code, said[0], said[1]

    def poll(self) -> int | None:
        """As that of `subprocess.Popen`."""
        if self.returncode is None:
            ready = select.poll()  # `select.select` takes no descriptor above 1023
            ready.register(self._there, select.POLLIN)
            if ready.poll(0):
                self.returncode = int(self._answers.readline())
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end.

        Raises:
            TimeoutError: It has not ended by then.
        """
        if self.returncode is None:
            self._there.settimeout(timeout)
            self.returncode = int(self._answers.readline())
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)


class Process(Protocol):
    """What a test does with a process that it has begun."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int, /) -> None: ...


def begin(argv: Sequence[str], *, log: Path, cwd: Path | None = None) -> Process:
    """Start Python with this process's environment; it writes to `log`, which begins empty."""
    log.write_bytes(b"")
    asked, cwd = _python(argv), cwd or Path.cwd()
    if asked is not None and _may_be_forked(os.environ):
        return Started(asked, env=os.environ, cwd=cwd, log=log)
    with log.open("ab") as out:
        return subprocess.Popen(argv, stdout=out, stderr=out, cwd=cwd)


def executable(place: Path, program: Path) -> None:
    """Write a program to `place` that stands for the Python program at `program`."""
    if os.environ.get("TESTS_COLD") == "1":
        text = f"#!{sys.executable}\n{program.read_text()}"
    else:
        text = _PROGRAM.format(python=sys.executable, address=address(), program=str(program))
    place.write_text(text)
    place.chmod(0o755)


def commands() -> Path:
    """A folder for PATH whose `kitaru` is forked."""
    folder = run_folder() / "bin"
    if not folder.exists():
        source = run_folder() / "programs" / "kitaru"
        source.parent.mkdir(exist_ok=True)
        source.write_text("import sys\nfrom kitaru_iac.cli.main import main\n\nsys.exit(main())\n")
        with tempfile.TemporaryDirectory(dir=run_folder()) as made:
            executable(Path(made) / "kitaru", source)
            with contextlib.suppress(OSError):  # another worker was faster
                Path(made).rename(folder)
                Path(made).mkdir()
    return folder


def address() -> str:
    """The socket of this run's process that forks; it is started when it is first asked for."""
    folder = run_folder()
    place = folder / "zygote"
    if place.exists():
        return str(place)
    with (folder / "zygote.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            _start(place)
    return str(place)


def run_folder() -> Path:
    """A folder that all processes of this run of the tests share."""
    return Path(os.environ[_RUN])


def begin_run() -> Path | None:
    """Make that folder, in the first process of a run. Returns it; None in the others."""
    if _RUN in os.environ:
        return None
    folder = Path(tempfile.mkdtemp(prefix="tests-"))
    os.environ[_RUN] = str(folder)
    os.environ[f"{_RUN}_PID"] = str(os.getpid())
    return folder


def _start(place: Path) -> None:
    log = place.with_suffix(".log")
    clean = {
        key: value
        for key, value in os.environ.items()
        if key in {"PATH", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV"}
    }
    home = place.with_suffix(".home")
    home.mkdir(exist_ok=True)
    clean |= {"HOME": str(home), "ZENML_ANALYTICS_OPT_IN": "false"}
    clean |= {"ZENML_CONFIG_PATH": str(home / "zenml")}
    parent = os.environ[f"{_RUN}_PID"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("zygote.py")), str(place), parent],
            env=clean,
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START
    while not place.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the process that forks did not start:\n{log.read_text()}")
        time.sleep(0.05)


def _python(argv: Sequence[str]) -> list[str] | None:
    """What a command line asks Python for; None if it is another program."""
    if len(argv) < 2 or argv[0] != sys.executable:
        return None
    if argv[1].endswith(".py"):
        return ["path", *argv[1:]]
    if len(argv) < 3 or argv[1] not in {"-c", "-m"}:
        return None
    if "sys.modules" in argv[2]:  # it asks what it has imported
        return None
    return list(argv[1:])


def _may_be_forked(env: Mapping[str, str]) -> bool:
    if os.environ.get("TESTS_COLD") == "1":
        return False
    return all(
        os.environ.get(key) == value for key, value in env.items() if key.startswith(_TOO_LATE)
    )
