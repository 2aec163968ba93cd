"""Showing what the engine does while it does it: live on a terminal, in lines elsewhere.

Both write to stderr: stdout belongs to the result. Only names and kinds are shown, the cloud's own
where they are known, and how long each operation took.
"""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING

from kitaru_iac.callbacks import ProgressCallback
from kitaru_iac.engine.events import name_of, type_of

if TYPE_CHECKING:
    from pulumi.automation import EngineEvent
    from pulumi.automation.events import StepEventMetadata
    from rich.console import Console, RenderableType
    from rich.live import Live

__all__ = ["LinesView", "LiveView", "View", "as_view", "terminal_view"]

_DOING = {
    "create": ("creating", "created"),
    "update": ("updating", "updated"),
    "delete": ("deleting", "deleted"),
    "replace": ("replacing", "replaced"),
    "create-replacement": ("creating", "created"),
    "delete-replaced": ("deleting", "deleted"),
    "import": ("taking over", "taken over"),
    "refresh": ("looking at", ""),
    "same": ("", ""),
}


class View:
    """Sees every event of an operation. This one shows nothing.

    It is also what takes single lines, so it can stand where a ``progress`` callable is asked for.

    Attributes:
        names: The cloud's names for the program's, of what has no id yet.
    """

    def __init__(self) -> None:
        self.names: Mapping[str, str] = {}
        self._since: dict[str, float] = {}

    def __call__(self, line: str) -> None:
        """Say one line."""

    def __enter__(self) -> View:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def take(self, event: EngineEvent) -> None:
        """See one event."""
        if event.resource_pre_event is not None:
            metadata = event.resource_pre_event.metadata
            if not event.resource_pre_event.planning and _is_shown(metadata):
                self._since[metadata.urn] = time.monotonic()
                self.begun(metadata.urn, self._called(metadata), _word(metadata.op))
        elif event.res_outputs_event is not None:
            metadata = event.res_outputs_event.metadata
            if not event.res_outputs_event.planning and _is_shown(metadata):
                seconds = self._seconds(metadata.urn)
                self.ended(metadata.urn, self._called(metadata), _word(metadata.op), seconds)
        elif event.res_op_failed_event is not None:
            metadata = event.res_op_failed_event.metadata
            if _is_shown(metadata):
                seconds = self._seconds(metadata.urn)
                self.broken(metadata.urn, self._called(metadata), _word(metadata.op), seconds)

    def begun(self, urn: str, called: str, operation: str) -> None:
        """An operation on a resource began."""

    def ended(self, urn: str, called: str, operation: str, seconds: float) -> None:
        """It ended well."""

    def broken(self, urn: str, called: str, operation: str, seconds: float) -> None:
        """It failed."""

    def _called(self, metadata: StepEventMetadata) -> str:
        """``bucket team-data-3f2a``: its kind, and the name that the cloud has for it."""
        name = name_of(metadata.urn)
        ids = [state.id for state in (metadata.new, metadata.old) if state and state.id]
        return f"{_kind(metadata.urn)} {self.names.get(name) or next(iter(ids), name)}"

    def _seconds(self, urn: str) -> float:
        began = self._since.pop(urn, None)
        return 0.0 if began is None else time.monotonic() - began


class LinesView(View):
    """One line for each resource that is done."""

    def __init__(self, say: ProgressCallback) -> None:
        super().__init__()
        self._say = say

    def __call__(self, line: str) -> None:
        """Say one line."""
        self._say(line)

    def ended(self, urn: str, called: str, operation: str, seconds: float) -> None:
        """Say that it is done, if anything was."""
        del urn
        done = _DOING.get(operation, ("", operation))[1]
        if done:
            self._say(f"{called}: {done} ({seconds:.0f} s)")

    def broken(self, urn: str, called: str, operation: str, seconds: float) -> None:
        """Say that it failed."""
        del urn
        doing = _DOING.get(operation, (operation, ""))[0] or operation
        self._say(f"{called}: {doing} failed ({seconds:.0f} s)")


class LiveView(LinesView):
    """What is under way, with its seconds, below the lines of what is done.

    Args:
        console: Of a terminal.
    """

    def __init__(self, console: Console) -> None:
        super().__init__(self._print)
        self._console = console
        self._lock = threading.Lock()
        self._running: dict[str, tuple[str, float]] = {}  # by URN
        self._live: Live | None = None

    def __enter__(self) -> LiveView:
        from rich.live import Live

        self._live = Live(
            console=self._console,
            get_renderable=self._render,
            transient=True,
            refresh_per_second=4,
            redirect_stdout=False,  # stdout is not ours
            redirect_stderr=False,
        )
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
        self._running.clear()

    def begun(self, urn: str, called: str, operation: str) -> None:
        """Show that it is under way."""
        doing = _DOING.get(operation, (operation, ""))[0]
        if doing:
            with self._lock:
                self._running[urn] = (f"{called}: {doing}", time.monotonic())

    def ended(self, urn: str, called: str, operation: str, seconds: float) -> None:
        """Move it up to what is done."""
        with self._lock:
            self._running.pop(urn, None)
        super().ended(urn, called, operation, seconds)

    def broken(self, urn: str, called: str, operation: str, seconds: float) -> None:
        """Move it up, as failed."""
        with self._lock:
            self._running.pop(urn, None)
        super().broken(urn, called, operation, seconds)

    def _print(self, line: str) -> None:
        from rich.text import Text

        self._console.print(Text(line, style="dim"), highlight=False)

    def _render(self) -> RenderableType:
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 1))
        now = time.monotonic()
        with self._lock:
            running = list(self._running.values())
        for doing, since in running:
            table.add_row(Text("⋯", "cyan"), Text(doing), f"{now - since:.0f} s")
        return table


def as_view(progress: ProgressCallback | None) -> View:
    """The view for a ``progress`` callable; silent for None."""
    if progress is None:
        return View()
    return progress if isinstance(progress, View) else LinesView(progress)


def terminal_view(progress: ProgressCallback) -> ProgressCallback:
    """A live view if stderr is a terminal that can show one, else the callable itself."""
    from rich.console import Console

    console = Console(stderr=True)
    if not sys.stderr.isatty() or console.is_dumb_terminal:
        return progress
    return LiveView(console)


def _is_shown(metadata: StepEventMetadata) -> bool:
    known = metadata.new or metadata.old
    is_custom = known is None or bool(known.custom)
    return is_custom and not metadata.type.startswith("pulumi:")


def _kind(urn: str) -> str:
    """The kind of a resource in words, as ``node group``."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", type_of(urn).rsplit(":", 1)[-1])
    return " ".join(parts).lower()


def _word(value: object) -> str:
    return str(getattr(value, "value", value))
