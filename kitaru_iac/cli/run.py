"""`kitaru run`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kitaru_iac.cli import completion
from kitaru_iac.errors import KitaruError, UsageError

if TYPE_CHECKING:
    from kitaru_iac.gateway import StackRow

__all__ = ["run"]

#: What a shell says of a command that is not there, and of one that cannot be run.
_NO_COMMAND = 127
_NOT_RUNNABLE = 126


def run(
    command: Annotated[
        list[str],
        typer.Argument(metavar="COMMAND...", help="What to run, and its own words, after --."),
    ],
    stack: Annotated[
        str,
        typer.Option(
            "--stack",
            "-s",
            metavar="STACK",
            help="Its name, its id, or the beginning of its id.",
            autocompletion=completion.stack_names,
            show_default=False,
        ),
    ],
) -> int:
    """Run a command on a stack; the active stack stays as it is.

    The command takes the place of this one: its exit code, its signals and its terminal are its
    own. ZenML's pipelines and flows in it use the stack, unless the program itself names another
    one. What the command saves about the active stack ends with it.

    Examples:
        kitaru run --stack prod-k8s -- python train.py --epochs 3
        kitaru run --stack prod-k8s -- ./nightly.sh
    """
    from contextlib import closing

    from kitaru_iac.gateway import open_reader

    if not command[0]:
        raise UsageError("The command is empty")
    with closing(open_reader()) as reader:
        found = reader.find(stack)
    return _become(command, found)


def _become(command: list[str], stack: StackRow) -> int:
    """Let the command take the place of this process."""
    import os
    import signal
    import sys

    from kitaru_iac.cli.output import current as output
    from kitaru_iac.machine.bound_home import bound_environment

    environment = {**os.environ, **bound_environment(stack.id, stack.name)}
    sys.stdout.flush()
    sys.stderr.flush()
    for name in ("SIGPIPE", "SIGXFSZ"):  # which Python ignores, and a child would inherit that
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execvpe(command[0], command, environment)  # noqa: S606
    except OSError as error:
        failed = KitaruError(f"The command '{command[0]}' cannot be run", why=error.strerror)
        output().error(failed.to_dict(), str(failed))
        return _NO_COMMAND if isinstance(error, FileNotFoundError) else _NOT_RUNNABLE
