"""Running the engine's operations: every event seen, every error told apart, locks waited for."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, TypeVar

from pulumi.automation import EngineEvent

from kitaru_iac.engine.command import EngineInterrupted
from kitaru_iac.engine.errors import EventsIncomplete, Lock, StateLocked, UpdateCancelled, mapped
from kitaru_iac.engine.events import Recording
from kitaru_iac.engine.locks import is_dead, is_here
from kitaru_iac.engine.progress import View

__all__ = ["Runner"]

T = TypeVar("T")

#: Seconds after which the engine is asked whether a lock is still there, though its holder lives.
_LOOK_AGAIN = 10.0


class Runner:
    """Runs calls of the SDK for one deployment.

    Args:
        stack: The deployment.
        backend: Where its state is, without secrets.
        view: Sees every event.
        unlock: Lets go of a lock that a dead run left.
        lock_wait: How long to wait for another update on this machine to end, in seconds.
        project: Pulumi's project.
    """

    def __init__(
        self,
        stack: str,
        backend: str,
        view: View,
        unlock: Callable[[], None],
        lock_wait: float,
        project: str = "",
    ) -> None:
        #: What the engine gets beside this process's own variables.
        self.environment: dict[str, str] = {}
        #: The command that logs in to the deployment's cloud, as a remedy.
        self.log_in: str | None = None
        self._stack = stack
        self._backend = backend
        self._project = project
        self._view = view
        self._unlock = unlock
        self._lock_wait = lock_wait

    def say(self, line: str) -> None:
        """Say one line to whoever watches."""
        self._view(line)

    def operate(
        self,
        doing: str,
        call: Callable[[Callable[[EngineEvent], Any]], T],
        *,
        refreshing: bool = False,
        writes: bool = False,
    ) -> tuple[Recording, T]:
        """Run an operation with events, and make sure that all of them were seen.

        Args:
            doing: What it does, for the words of an error.
            call: The SDK's; gets what takes the events.
            refreshing: Whether it is itself a refresh.
            writes: Whether it changes anything.
        """

        def once() -> tuple[Recording, T]:
            with _Events(Recording(refreshing), self._view) as events:
                done = self.run(doing, lambda: call(events.put), events.recording, writes=writes)
            lost = events.recording.missing()
            if lost:
                raise EventsIncomplete(
                    f"Could not {doing}: not all of the engine's events arrived",
                    why=f"Missing: {', '.join(lost)}",
                    remedy="Run it again; if it happens again, the engine is too new for this "
                    "version of kitaru-iac.",
                )
            return events.recording, done

        return self.unlocked(once)

    def unlocked(self, operate: Callable[[], T]) -> T:
        """Run it; a lock is waited for if its holder lives here, and undone if it died here."""
        give_up = time.monotonic() + self._lock_wait
        unlocked = told = False
        while True:
            try:
                return operate()
            except StateLocked as error:
                if error.locks and not unlocked and all(is_dead(lock) for lock in error.locks):
                    self._view("An earlier run died and left the state locked: unlocking it")
                    self._unlock()
                    unlocked = True
                    continue
                if not any(is_here(lock) for lock in error.locks) or time.monotonic() > give_up:
                    raise
                if not told:
                    self._view(f"Waiting for {', '.join(map(str, error.locks))} to end")
                    told = True
                # Not just once more: what it writes last must be there when the state is read.
                _wait_for_end(error.locks, min(give_up, time.monotonic() + _LOOK_AGAIN))

    def run(
        self,
        doing: str,
        call: Callable[[], T],
        record: Recording | None = None,
        *,
        writes: bool = False,
    ) -> T:
        """Call the SDK; whatever it raises becomes one of our errors."""
        seen = record or Recording()
        try:
            return call()
        except EngineInterrupted as stop:
            if record is None or not writes:
                raise
            raise self._cancelled(stop, seen) from None
        except Exception as error:
            raise mapped(
                error,
                stack=self._stack,
                backend=self._backend,
                doing=doing,
                diagnostics=seen.diagnostics,
                failed=seen.failed,
                hide=self._secrets(),
                log_in=self.log_in,
                changes=seen.changes,
                project=self._project,
            ) from error

    def _cancelled(self, stop: EngineInterrupted, seen: Recording) -> UpdateCancelled:
        changed = [change for change in seen.changes if change.is_of_the_cloud]
        done = len({c.urn for c in changed} & set(seen.done))
        why = f"{done} of the resources that were started are done, and the state records which."
        if stop.at_once:
            why += " What was under way was cut off; the next run finds out how it ended."
        return UpdateCancelled(
            f"Interrupted: deployment {self._stack} is unfinished",
            where=self._backend,
            why=why,
            remedy="Run the same command again to resume from here.",
        )

    def interrupted(self, presses: int) -> None:
        """Say what Ctrl-C does, the first time."""
        if presses == 1:
            self._view(
                "Stopping when the running operations have ended; Ctrl-C again to stop at once"
            )

    def _secrets(self) -> Iterable[str]:
        """What must not be shown, wherever a plugin may have put it."""
        words = ("SECRET", "TOKEN", "PASSWORD", "PASSPHRASE")
        for name, value in {**os.environ, **self.environment}.items():
            if any(word in name for word in words) and len(value) >= 8:
                yield value


def _wait_for_end(locks: Iterable[Lock], until: float) -> None:
    """Wait for the processes that hold locks on this machine to end."""
    while any(is_here(lock) and not is_dead(lock) for lock in locks):
        if time.monotonic() > until:
            return
        time.sleep(0.3)


class _Events:
    """Takes the events off the SDK's thread, which swallows what goes wrong on it."""

    def __init__(self, recording: Recording, view: View) -> None:
        self.recording = recording
        self._view = view
        self._queue: queue.SimpleQueue[EngineEvent | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._consume, daemon=True)
        self.put = self._queue.put
        self._broken: Exception | None = None

    def __enter__(self) -> _Events:
        # When the engine ends early, the program that it runs here fails to reach it, and gRPC logs
        # tracebacks of that. What happened is told by the engine.
        logging.getLogger("grpc._server").addFilter(_nothing)
        self._view.__enter__()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._queue.put(None)
        self._thread.join()
        self._view.__exit__(kind, error, trace)
        logging.getLogger("grpc._server").removeFilter(_nothing)
        if self._broken is not None and error is None:
            raise self._broken

    def _consume(self) -> None:
        while (event := self._queue.get()) is not None:
            try:
                self.recording.take(event)
                self._view.take(event)
            except Exception as error:  # noqa: BLE001 - raised in the caller's thread
                self._broken = self._broken or error


def _nothing(_: logging.LogRecord) -> bool:
    """A filter that lets nothing through."""
    return False
