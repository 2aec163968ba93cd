"""Showing what the engine does while it does it: live on a terminal, in lines elsewhere.

Both write to stderr: stdout belongs to the result. Only names and kinds are shown.
"""

from __future__ import annotations

import sys
import threading
import time
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
    """

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
                self.begun(metadata.urn, _word(metadata.op))
        elif event.res_outputs_event is not None:
            metadata = event.res_outputs_event.metadata
            if not event.res_outputs_event.planning and _is_shown(metadata):
                self.ended(metadata.urn, _word(metadata.op))
        elif event.res_op_failed_event is not None:
            metadata = event.res_op_failed_event.metadata
            if _is_shown(metadata):
                self.broken(metadata.urn, _word(metadata.op))

    def begun(self, urn: str, operation: str) -> None:
        """An operation on a resource began."""

    def ended(self, urn: str, operation: str) -> None:
        """It ended well."""

    def broken(self, urn: str, operation: str) -> None:
        """It failed."""


class LinesView(View):
    """One line for each resource that is done."""

    def __init__(self, say: ProgressCallback) -> None:
        self._say = say

    def __call__(self, line: str) -> None:
        """Say one line."""
        self._say(line)

    def ended(self, urn: str, operation: str) -> None:
        """Say that it is done, if anything was."""
        done = _DOING.get(operation, ("", operation))[1]
        if done:
            self._say(f"{done} {_short(urn)}")

    def broken(self, urn: str, operation: str) -> None:
        """Say that it failed."""
        self._say(f"failed to {operation} {_short(urn)}")


class LiveView(LinesView):
    """What is under way, with its seconds, below the lines of what is done.

    Args:
        console: Of a terminal.
    """

    def __init__(self, console: Console) -> None:
        super().__init__(self._print)
        self._console = console
        self._lock = threading.Lock()
        self._running: dict[str, tuple[str, float]] = {}
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

    def begun(self, urn: str, operation: str) -> None:
        """Show that it is under way."""
        doing = _DOING.get(operation, (operation, ""))[0]
        if doing:
            with self._lock:
                self._running[urn] = (doing, time.monotonic())

    def ended(self, urn: str, operation: str) -> None:
        """Move it up to what is done."""
        with self._lock:
            self._running.pop(urn, None)
        super().ended(urn, operation)

    def broken(self, urn: str, operation: str) -> None:
        """Move it up, as failed."""
        with self._lock:
            self._running.pop(urn, None)
        super().broken(urn, operation)

    def _print(self, line: str) -> None:
        from rich.text import Text

        self._console.print(Text(line, style="dim"), highlight=False)

    def _render(self) -> RenderableType:
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 1))
        now = time.monotonic()
        with self._lock:
            running = list(self._running.items())
        for urn, (doing, since) in running:
            table.add_row(Text("⋯", "cyan"), Text(f"{doing} {_short(urn)}"), f"{now - since:.0f} s")
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


def _short(urn: str) -> str:
    """``bucket prod``, from the type and the name in a URN."""
    return f"{type_of(urn).rsplit(':', 1)[-1]} {name_of(urn)}"


def _word(value: object) -> str:
    return str(getattr(value, "value", value))
