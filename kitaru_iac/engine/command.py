"""Running the engine's program: apart from the terminal, so that Ctrl-C reaches it in order.

On a terminal Ctrl-C goes to the whole foreground group. The engine would then be cancelled at the
same moment in which the Python program that it asks is torn down, and what it was doing would be
reported as a crash of that program. Here the engine has a session of its own; the first Ctrl-C asks
it to cancel (it lets running operations end and writes its state), a second makes it stop at once.
SIGTERM is as Ctrl-C: an engine that nobody waits for would go on, with the state locked.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from typing import IO, Any

from pulumi.automation import PulumiCommand
from pulumi.automation._cmd import CommandResult
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from kitaru_iac.engine.find import FoundEngine
from kitaru_iac.machine.interrupts import Presses

__all__ = ["EngineCommand", "EngineInterrupted"]

OnLine = Callable[[str], Any]

#: Seconds between two looks for a Ctrl-C.
_LOOK = 0.1
#: Seconds after the engine's end in which what it started may still hold its output open.
_LAST_WORDS = 5.0


class EngineInterrupted(KeyboardInterrupt):
    """Ctrl-C while the engine worked; it has ended since.

    Args:
        code: The engine's exit code.
        at_once: Whether it was pressed more than once, so that operations were cut off.
    """

    def __init__(self, code: int, *, at_once: bool) -> None:
        self.code = code
        self.at_once = at_once
        super().__init__("the engine was interrupted")


class EngineCommand(PulumiCommand):
    """One engine, shared by all deployments of a process.

    Args:
        engine: Where it is; its version was asked for already, and is not again.
        on_interrupt: Told the number of times that Ctrl-C was pressed.
    """

    def __init__(
        self, engine: FoundEngine, *, on_interrupt: Callable[[int], None] | None = None
    ) -> None:
        # Not super().__init__(): it would run `pulumi version` once more.
        self.command = str(engine.path)
        self.version = VersionInfo.parse(str(engine.version))
        self._on_interrupt = on_interrupt or (lambda _: None)

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnLine | None = None,
        on_error: OnLine | None = None,
    ) -> CommandResult:
        """Run one command to its end. As the SDK's own, but for the session and Ctrl-C.

        Raises:
            EngineInterrupted: Ctrl-C was pressed meanwhile.
            CommandError: The SDK's: the command failed.
        """
        directory = os.path.dirname(self.command)  # noqa: PTH120 - as it is, links unresolved
        env = {
            **os.environ,
            **additional_env,
            "PULUMI_AUTOMATION_API": "true",
            # Plugins that came with the engine take precedence over others.
            "PATH": os.pathsep.join([directory, os.environ.get("PATH", "")]),
        }
        for name, value in additional_env.items():
            if not value:
                del env[name]  # an empty one takes the caller's own away
        with Presses() as presses:
            process = subprocess.Popen(
                [self.command, "--non-interactive", *args],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=cwd,
                env=env,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
            out, err = _Reader(process.stdout, on_output), _Reader(process.stderr, on_error)
            self._wait(process, presses)
            until = None if not presses.count else _LAST_WORDS
            for reader in (out, err):
                reader.join(until)
        if presses.count:
            raise EngineInterrupted(process.returncode, at_once=presses.count > 1)
        result = CommandResult(out.text, err.text, process.returncode)
        if process.returncode != 0:
            raise create_command_error(result)
        return result

    def _wait(self, process: subprocess.Popen[str], presses: Presses) -> None:
        """Wait for the engine's end, and pass each Ctrl-C or SIGTERM on to it."""
        passed = 0
        while process.poll() is None:
            if passed < presses.count:
                passed += 1
                if passed <= 2:
                    process.send_signal(signal.SIGINT)
                else:
                    process.kill()
                self._on_interrupt(passed)
            try:
                process.wait(_LOOK)
            except subprocess.TimeoutExpired:
                continue
            except KeyboardInterrupt:  # from a handler that is not ours
                presses.count += 1


class _Reader(threading.Thread):
    """Reads one stream to its end."""

    def __init__(self, stream: IO[str] | None, callback: OnLine | None) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self._callback = callback
        self._lines: list[str] = []
        self.start()

    @property
    def text(self) -> str:
        return "\n".join(self._lines)

    def run(self) -> None:
        if self._stream is None:
            return
        with self._stream as lines:
            for line in lines:
                stripped = line.rstrip()
                if self._callback:
                    self._callback(stripped)
                self._lines.append(stripped)
