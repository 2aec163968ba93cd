"""What a command says: one document on stdout, everything else on stderr.

In text, data go to stdout; progress, warnings and errors to stderr. As JSON or YAML, stdout is the
document and nothing else, and stderr is empty or holds one document with the error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from kitaru_iac.cli.formats import EVERY, is_document, written
from kitaru_iac.cli.terminal import has_color
from kitaru_iac.errors import FileNotWritten
from kitaru_iac.notices import KitaruWarning
from kitaru_iac.patterns import compiled
from kitaru_iac.redaction import visible

__all__ = ["Output", "current", "requested_format", "start"]

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
#: Nobody else knows it: a name that holds a colour's code is none of ours.
_OURS = os.urandom(8).hex()
#: The colours that we write ourselves, until they are written out.
_COLOR = compiled(rf"(\x1b\[{_OURS}[0-9;]*m)")


class Output:
    """The streams and the format of one run.

    Attributes:
        command: The command's name in documents, as ``stack.list``.
        format: ``text``, ``json``, ``yaml`` or ``markdown``.
    """

    def __init__(self, command: str, format: str, stdout: TextIO, stderr: TextIO) -> None:
        self.command = command
        self.format = format
        self._stdout = stdout
        self._stderr = stderr
        self._color = has_color(stdout)
        self._error_color = has_color(stderr)
        self._warnings: list[KitaruWarning] = []

    @property
    def structured(self) -> bool:
        """Whether a program reads the output."""
        return is_document(self.format)

    # -- data -------------------------------------------------------------------------------------

    def item(
        self,
        item: Mapping[str, Any],
        text: Iterable[str],
        markdown: Callable[[], str] | None = None,
    ) -> None:
        """Say one thing: the document ``{"command", "item"}``, the Markdown, or the lines."""
        if self.structured:
            self.document({"command": self.command, "item": self._with_warnings(item)})
        else:
            self._say(text, markdown)

    def items(
        self,
        items: Sequence[Mapping[str, Any]],
        text: Iterable[str],
        more: Mapping[str, Any] | None = None,
        markdown: Callable[[], str] | None = None,
    ) -> None:
        """Say several: the document ``{"command", "items", "count"}`` and `more`, or as `item`."""
        if self.structured:
            self.document(
                {
                    "command": self.command,
                    "items": [dict(item) for item in items],
                    "count": len(items),
                    **(more or {}),
                    **({"warnings": self._told()} if self._warnings else {}),
                }
            )
        else:
            self._say(text, markdown)

    def _say(self, text: Iterable[str], markdown: Callable[[], str] | None) -> None:
        if markdown is not None and self.format == "markdown":
            text = markdown().splitlines()
        self.lines(text)

    def document(self, document: Mapping[str, Any]) -> None:
        """Write one JSON or YAML document to stdout."""
        with _told_where_nothing_can_be_written(self._stdout):
            self._stdout.write(written(document, self.format, self._stdout))
            self._stdout.flush()

    def lines(self, lines: Iterable[str]) -> None:
        """Write lines to stdout."""
        for line in lines:
            with _told_where_nothing_can_be_written(self._stdout):
                self._stdout.write(_finished(line) + "\n")
        with _told_where_nothing_can_be_written(self._stdout):
            self._stdout.flush()

    # -- beside the data --------------------------------------------------------------------------

    def progress(self, line: str) -> None:
        """Say what is going on; only for people."""
        if not self.structured:
            self._tell(self._paint(line, "dim"))

    def note(self, line: str) -> None:
        """Something good to know; only for people."""
        if not self.structured:
            self._tell(line)

    def warn(self, warning: KitaruWarning) -> None:
        """A warning, once: on stderr, or with its code in the document's ``warnings``."""
        if warning in self._warnings:
            return
        self._warnings.append(warning)
        if not self.structured:
            self._tell(f"{self._paint('Warning:', 'yellow')} {warning}")

    def error(self, error: Mapping[str, Any], text: str, hint: str | None = None) -> None:
        """The error, in the form that was asked for, on stderr."""
        if self.structured:
            document = {"command": self.command, "error": self._with_warnings(error)}
            self._stderr.write(written(document, self.format, self._stderr))
        else:
            first, *rest = text.splitlines() or [""]
            self._tell(f"{self._paint('Error:', 'red', 'bold')} {first}")
            for line in rest:
                self._tell(f"  {line}" if line.strip() else "")
            if hint:
                self._tell(hint)
        self._stderr.flush()

    def style(self, text: str, *styles: str) -> str:
        """The text in bold or colour, if stdout takes colour."""
        return _painted(text, styles) if self._color else text

    def error_style(self, text: str, *styles: str) -> str:
        """The text in bold or colour, if stderr takes colour."""
        return self._paint(text, *styles)

    # -- inside -----------------------------------------------------------------------------------

    def _paint(self, text: str, *styles: str) -> str:
        return _painted(text, styles) if self._error_color else text

    def _tell(self, line: str) -> None:
        self._stderr.write(_finished(line) + "\n")
        self._stderr.flush()

    def _told(self) -> list[dict[str, str]]:
        return [warning.to_dict() for warning in self._warnings]

    def _with_warnings(self, item: Mapping[str, Any]) -> dict[str, Any]:
        own = [warning for warning in self._told() if warning not in item.get("warnings", ())]
        if not own:
            return dict(item)
        return {**item, "warnings": [*item.get("warnings", ()), *own]}


@contextmanager
def _told_where_nothing_can_be_written(stdout: TextIO) -> Iterator[None]:
    """Say that the result is lost, and not what was done: a disk is full, a file is gone.

    Raises:
        FileNotWritten: It cannot be written. A reader that has gone away is no such error.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        # What is still held back would fail again when the process ends.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())
        raise FileNotWritten(
            "The result cannot be written to standard output",
            why=error.strerror,
            remedy="Whatever the command was asked to do is done: see it with kitaru stack list.",
        ) from None


def safe(text: str) -> str:
    """The text in our colours, in which a name may not move the cursor or turn words around."""
    if text.isprintable():
        return text
    parts = _COLOR.split(text)
    return "".join(part if odd % 2 else visible(part) for odd, part in enumerate(parts))


def _painted(text: str, styles: Sequence[str]) -> str:
    codes = ";".join(_STYLES[style] for style in styles)
    return f"\x1b[{_OURS}{codes}m{text}\x1b[{_OURS}0m" if codes and text else text


def _finished(line: str) -> str:
    return safe(line).replace(_OURS, "")


_runs: list[Output] = []


def start(command: str, format: str) -> Output:
    """Begin a run: from now on :func:`current` gives this output."""
    _runs[:] = [Output(command, format, sys.stdout, sys.stderr)]
    return _runs[0]


def current() -> Output:
    """The output of this run."""
    return _runs[0] if _runs else start("kitaru", "text")


def requested_format(arguments: Sequence[str]) -> str:
    """What ``--output`` says, wherever it stands; ``text`` if it says nothing that is known.

    Found before parsing, so that a mistake on the command line is reported in the right form.
    """
    chosen = "text"
    words = iter(arguments)
    for word in words:
        if word == "--":
            break
        if word in ("-o", "--output"):
            value = next(words, "")
        elif word.startswith("--output="):
            value = word.partition("=")[2]
        elif word.startswith("-o") and len(word) > len("-o"):
            value = word[len("-o") :].removeprefix("=")
        else:
            continue
        if value in EVERY:
            chosen = value
    return chosen
