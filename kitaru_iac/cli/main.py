"""The entry of the ``kitaru`` command: runs one command line and ends with one exit code.

What cannot be foreseen is caught here, once: errors in the form that was asked for, Ctrl-C, a
reader that closed the pipe.
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from typer.exceptions import TyperException

    from kitaru_iac.cli.output import Output
    from kitaru_iac.errors import UsageError

__all__ = ["main", "run"]

#: What a shell reports for a program that wrote to a closed pipe (128 + SIGPIPE).
_BROKEN_PIPE = 141
_INTERRUPTED = 130


def main() -> int:
    """Run the command line of this process.

    Returns:
        The exit code; see docs/reference/exit-codes.md.
    """
    from kitaru_iac.machine.termination import end_with, listen

    listen()
    try:
        code = run(sys.argv[1:], is_own_process=True)
        sys.stdout.flush()
    except KeyboardInterrupt as pressed:
        end_with(_INTERRUPTED)
        code = _interrupted(pressed, _output(sys.argv[1:]))
    except BrokenPipeError:
        return _broken_pipe()
    end_with(code)
    if code == _INTERRUPTED:
        _end(code)
    return code


def run(
    arguments: Sequence[str], program: str | None = None, *, is_own_process: bool = False
) -> int:
    """Run one command line and give its exit code.

    Args:
        arguments: The words of the line after the program's name.
        program: What the program is called; by default as it was started.
        is_own_process: Whether the process is the command's alone, and may end with it.
    """
    words = list(arguments)
    if words[:1] in (["--version"], ["-V"]):
        from kitaru_iac._version import __version__

        sys.stdout.write(f"kitaru-iac {__version__}\n")
        return 0
    from kitaru_iac.callbacks import waits_told
    from kitaru_iac.machine.environment import apply_environment
    from kitaru_iac.machine.interrupts import faces, interrupt_in

    faces.done = None  # an earlier command of this process
    for stream in (sys.stdout, sys.stderr):
        # What the terminal's encoding lacks is shown escaped.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    debug = _debug(words)
    out = _output(words)
    try:
        with _warnings_told(out), waits_told(out.progress):
            apply_environment()
            return _parse_and_run(words, program or _program(), is_own_process=is_own_process)
    except KeyboardInterrupt as pressed:
        if is_own_process:
            _say_to_the_end(_INTERRUPTED)
        return _interrupted(pressed, out)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the one place where everything ends
        if (hidden := interrupt_in(error)) is not None:
            if is_own_process:
                _say_to_the_end(_INTERRUPTED)
            return _interrupted(hidden, out)
        if debug:
            import traceback

            sys.stderr.write(_without_secrets(traceback.format_exc()))
        if is_own_process:
            _say_to_the_end(_code_of(error))
        return _failed(error, out, words)


def _parse_and_run(words: list[str], program: str, *, is_own_process: bool) -> int:
    from kitaru_iac.cli.short import understood

    call = understood(words)
    if is_own_process and (call is None or call.writes):
        from kitaru_iac.cli.signals import answer_signals

        answer_signals()
    if call is not None:
        return call.run() or 0
    import typer

    from kitaru_iac.cli.app import root_command
    from kitaru_iac.cli.output import current
    from kitaru_iac.cli.passthrough import handed_over
    from kitaru_iac.cli.terminal import has_color

    code = handed_over(words)
    if code is not None:
        return code
    root = root_command()
    if any(name.endswith("_COMPLETE") for name in os.environ):
        root.main(args=words, prog_name=program, color=False)
    try:
        with root.make_context(program, words, color=has_color(sys.stdout)) as ctx:
            result = root.invoke(ctx)
    except typer.Exit as done:
        return int(done.exit_code)
    except typer.Abort as aborted:
        return _interrupted(aborted, current())
    return result if isinstance(result, int) and not isinstance(result, bool) else 0


@contextlib.contextmanager
def _warnings_told(out: Output) -> Iterator[None]:
    """Give our own warnings to the output; Python would show them with a line of our code."""
    from kitaru_iac.notices import KitaruWarning

    with warnings.catch_warnings():
        warnings.simplefilter("always", KitaruWarning)
        others = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if isinstance(message, KitaruWarning):
                out.warn(message)
            else:
                others(message, category, filename, lineno, file, line)

        warnings.showwarning = show
        yield


# -- how it ends -----------------------------------------------------------------------------------


def _output(words: list[str]) -> Output:
    """Begin the output of a run, in the form that its line asks for."""
    from kitaru_iac.cli.commands import command_name
    from kitaru_iac.cli.output import requested_format, start

    return start(command_name(words), requested_format(words))


def _code_of(error: Exception) -> int:
    from kitaru_iac.errors import ExitCode, KitaruError

    if isinstance(error, KitaruError):
        return error.exit_code
    from typer.exceptions import TyperException

    return ExitCode.USAGE if isinstance(error, TyperException) else ExitCode.FAILED


def _failed(error: Exception, out: Output, words: list[str]) -> int:
    """Say what went wrong and give the exit code for it."""
    from kitaru_iac.errors import InternalError, KitaruError

    if isinstance(error, KitaruError):
        out.error(error.to_dict(), str(error))
        return int(error.exit_code)
    from typer.exceptions import TyperException

    if isinstance(error, TyperException):
        usage = _usage_error(error)
        hint = _help_hint(error, words)
        out.error(usage.to_dict(), str(usage), hint)
        return int(usage.exit_code)
    bug = InternalError(_without_secrets(f"{type(error).__name__}: {error}"))
    out.error(bug.to_dict(), str(bug))
    return int(bug.exit_code)


def _without_secrets(text: str) -> str:
    from kitaru_iac.machine.debug_log import without_secrets

    return without_secrets(text)


def _usage_error(error: TyperException) -> UsageError:
    """What the parser found, as one of our errors."""
    from kitaru_iac.errors import UsageError

    possible = list(getattr(error, "possibilities", None) or ())
    wrong = getattr(error, "option_name", None)
    message = error.message if possible or wrong else error.format_message()
    remedy = None
    ctx = getattr(error, "ctx", None)
    if type(error).__name__ == "NoSuchOption" and ctx is not None:
        from kitaru_iac.cli.frame import close_to

        known = [name for p in ctx.command.get_params(ctx) for name in (*p.opts, *p.secondary_opts)]
        near = close_to(str(wrong), [name for name in known if name.startswith("--")])
        remedy = f"Did you mean {near}?" if near else None
    elif wrong:
        message = error.format_message()
    return UsageError(message.rstrip(), remedy=remedy)


def _help_hint(error: TyperException, words: list[str]) -> str | None:
    ctx = getattr(error, "ctx", None)
    if ctx is None or "--help" in words:
        return None
    return f"See: {ctx.command_path} --help"


def _say_to_the_end(code: int) -> None:
    """Let no signal begin a second report; it ends the process, with the code of the first."""
    from kitaru_iac.machine.termination import end_with

    end_with(int(code))


def _interrupted(pressed: BaseException, out: Output | None = None) -> int:
    from kitaru_iac.cli.output import current
    from kitaru_iac.cli.signals import tell_interrupt

    return tell_interrupt(pressed, out or current())


def _end(code: int) -> None:
    """End at once where a thread still waits for a server: the interpreter would wait for it."""
    import threading

    if threading.active_count() > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _broken_pipe() -> int:
    """Nobody reads any more: end without a word, also from the interpreter when it flushes."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _BROKEN_PIPE


def _debug(words: Sequence[str]) -> bool:
    """Whether ``--debug`` or ``KITARU_DEBUG`` asks for tracebacks; ZenML's log comes with them."""
    before = words[: words.index("--")] if "--" in words else words
    if "--debug" not in before and not os.environ.get("KITARU_DEBUG"):
        return False
    from kitaru_iac.machine.debug_log import is_asked_for, show_log

    if "--debug" not in before and not is_asked_for():
        return False
    show_log()
    return True


def _program() -> str:
    name = (sys.argv[0] or "kitaru").rpartition("/")[2]
    return name if name.startswith("kitaru") else "kitaru"


if __name__ == "__main__":
    sys.exit(main())
