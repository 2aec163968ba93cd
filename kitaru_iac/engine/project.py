"""A Pulumi project in a folder: previewed with its update plan kept, and updated within that plan.

The command `pulumi` runs as in a shell there, with the project's own backend, stacks and settings.

What an update plan of Pulumi's holds (`pkg/resource/deploy/plan.go` of engine 3.274): the
resources, their options, and the inputs and operations planned for each. A value that was not known
accepts any, and less may be done than was planned. The engine compares it resource by resource
while it works: what came before the first violation is done. It does not hold the time, and its
configuration is not compared. So a plan is used for the seconds between our own comparison and the
update, and is not handed on from the review.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from pulumi.automation import CommandError

from kitaru_iac import redaction
from kitaru_iac.callbacks import ProgressCallback
from kitaru_iac.engine.command import EngineCommand, EngineInterrupted
from kitaru_iac.engine.errors import EventsIncomplete, UpdateCancelled, mapped
from kitaru_iac.engine.find import FoundEngine
from kitaru_iac.engine.previewed import Previewed, previewed
from kitaru_iac.engine.property_values import Json
from kitaru_iac.errors import NotFoundError, PlanMoved

__all__ = ["Project", "project_folder"]

_FILES: Final = ("Pulumi.yaml", "Pulumi.yml")
_NAME: Final = r"""^["']?name["']?\s*:\s*["']?([A-Za-z0-9._-]+)"""
_VIOLATION: Final = "violates plan"
_WORDS: Final = ("SECRET", "TOKEN", "PASSWORD", "PASSPHRASE", "API_KEY")


def project_folder(start: Path) -> Path:
    """Find the folder of the project that a folder is in.

    Raises:
        NotFoundError: It is in none.
    """
    for folder in (start, *start.parents):
        if any((folder / name).is_file() for name in _FILES):
            return folder
    raise NotFoundError(
        "There is no Pulumi project here",
        where=str(start),
        why="Neither this folder nor one around it has a Pulumi.yaml.",
        remedy="Run it in the project's folder; `kitaru stack new-repo` writes one.",
    )


class Project:
    """A project and the engine that runs it.

    Args:
        folder: Where its ``Pulumi.yaml`` is.
        engine: The engine.
        progress: Gets what the engine says, a line each, without secrets.
    """

    def __init__(self, folder: Path, engine: FoundEngine, progress: ProgressCallback) -> None:
        self.folder = folder
        self._progress = progress
        self._command = EngineCommand(engine, on_interrupt=self._interrupted)

    @property
    def name(self) -> str:
        """What ``Pulumi.yaml`` calls the project; empty where it does not say so on a line."""
        for file in _FILES:
            if (self.folder / file).is_file():
                text = (self.folder / file).read_text(encoding="utf-8", errors="replace")
                found = re.search(_NAME, text, re.MULTILINE)
                return found[1] if found else ""
        return ""

    def preview(self, stack: str, plan: Path) -> Previewed:
        """Show what an update would do, after a refresh that is not written either.

        Args:
            stack: Pulumi's name of the stack.
            plan: The file that the engine writes its update plan to.

        Raises:
            EngineError: There is no preview; the text is the engine's.
            EventsIncomplete: The engine counted more than it told.
        """
        doing = f"preview stack {stack}"
        arguments = [
            *("preview", "--stack", stack, "--refresh", "--json", "--show-sames"),
            *("--save-plan", str(plan)),
        ]
        printed: list[str] = []
        try:
            self._run(stack, doing, arguments, printed.append, printed)
        except EngineInterrupted:
            raise KeyboardInterrupt from None
        found = _read("".join(printed))
        if found is None:
            raise EventsIncomplete(
                f"Could not {doing}: the engine printed no preview",
                remedy="The engine is too new or too old for this version of kitaru-iac.",
            )
        if found.missing:
            raise EventsIncomplete(
                f"Could not {doing}: the engine did not tell all that it counted",
                why=f"Missing: {', '.join(found.missing)}",
                remedy="The engine is too new for this version of kitaru-iac.",
            )
        return found

    def up(self, stack: str, plan: Path) -> None:
        """Update a stack as far as the engine's plan allows.

        Args:
            stack: Pulumi's name of the stack.
            plan: What `preview` had written.

        Raises:
            PlanMoved: Something would be done that is not in the plan; what came before it is done.
            UpdateCancelled: Ctrl-C or SIGTERM.
            EngineError: It failed; the text is the engine's.
        """
        arguments = [
            *("up", "--stack", stack, "--refresh", "--yes", "--skip-preview"),
            *("--color", "never", "--plan", str(plan)),
        ]
        said: list[str] = []

        def tell(line: str) -> None:
            said.append(line)
            if line.strip():
                self._progress(self._hidden(line))

        try:
            self._run(stack, f"update stack {stack}", arguments, tell, said)
        except EngineInterrupted as stop:
            raise UpdateCancelled(
                f"Interrupted: the update of stack {stack} is unfinished",
                where=str(self.folder),
                why="What was under way was cut off; the next run finds out how it ended."
                if stop.at_once
                else "The operations that were running have ended, and the state has them.",
                remedy="Run the same command again; if what is left to do has changed by that, "
                "review it anew.",
            ) from None

    def _run(
        self,
        stack: str,
        doing: str,
        arguments: list[str],
        on_output: Callable[[str], object],
        said: list[str],
    ) -> None:
        environment = {"PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_EXPERIMENTAL": ""}
        try:
            self._command.run(arguments, str(self.folder), environment, on_output, self._told)
        except CommandError as error:
            violations = [line.strip() for line in said if _VIOLATION in line]
            if violations:
                raise _moved(stack, [self._hidden(line) for line in violations]) from None
            found = _read("".join(said))
            raise mapped(
                error,
                stack=stack,
                backend=_backend(),
                doing=doing,
                diagnostics=found.diagnostics if found else (),
                resume="Mend what the engine says, and run it again.",
                hide=tuple(_secrets(os.environ)),
            ) from None

    def _told(self, line: str) -> None:
        if line.strip():
            self._progress(self._hidden(line))

    def _hidden(self, line: str) -> str:
        return redaction.text(line, *_secrets(os.environ))

    def _interrupted(self, presses: int) -> None:
        if presses == 1:
            self._progress("Stopping when the running operations have ended; once more: at once")


def _moved(stack: str, violations: list[str]) -> PlanMoved:
    return PlanMoved(
        f"The update of stack {stack} went beyond its plan, and was stopped",
        differs=violations,
        why="\n".join(
            [*violations, "It changed while the engine worked: what came before it is done."]
        ),
        remedy="Preview the stack again, and review that.",
    )


def _read(text: str) -> Previewed | None:
    """What the engine printed, read; None where it is no preview."""
    try:
        document: Json = json.loads(text)
        return previewed(document) if isinstance(document, dict) else None
    except (ValueError, RecursionError):
        return None


def _backend() -> str:
    url = os.environ.get("PULUMI_BACKEND_URL")
    return redaction.url(url) if url else "URL"


def _secrets(environ: Mapping[str, str]) -> Iterator[str]:
    """What must not be shown, wherever a program or plugin may have put it."""
    for name, value in environ.items():
        if any(word in name.upper() for word in _WORDS) and len(value) >= 8:
            yield value
