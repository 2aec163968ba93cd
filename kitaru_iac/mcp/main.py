"""The process ``kitaru-iac-mcp``, which ``kitaru mcp`` becomes.

Nothing but the protocol goes to stdout: the descriptor is moved away before anything is imported
that could print (`streams`).
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from kitaru_iac.errors import ExitCode, KitaruError, MissingPackages, UsageError
from kitaru_iac.files import how_to_close, read_small
from kitaru_iac.notices import KitaruWarning

if TYPE_CHECKING:
    from kitaru_iac.mcp.modes import Mode

__all__ = ["PORT", "TOKEN", "main"]

TOKEN: Final = "KITARU_MCP_TOKEN"  # noqa: S105 - the name of a variable
PORT: Final = 8765
_MODES: Final = ("read-only", "standard", "destructive")
_SHORTEST_TOKEN: Final = 16
_LARGEST: Final = 64 << 10  # bytes of its file
_OTHERS: Final = 0o077


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Serve until the client closes stdin, or a signal ends it.

    Args:
        arguments: The words after the program's name; this process's by default.
    """
    given = _parse(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _serve(given)
    except KitaruError as error:
        text = f"Error: {error}"
        if given.output != "text":
            text = json.dumps({"command": "mcp", "error": error.to_dict()}, default=str)
        sys.stderr.write(f"{text}\n")
        code = int(error.exit_code)
    except KeyboardInterrupt:  # before it listens to signals, or when it does no more
        code = int(ExitCode.INTERRUPTED)
    sys.stderr.flush()
    # Threads of probes that are still waiting for a cloud are not waited for.
    os._exit(code)


def _serve(given: argparse.Namespace) -> int:
    from kitaru_iac.machine import debug_log

    if given.debug or debug_log.is_asked_for():
        debug_log.show_log()
        logging.getLogger("kitaru_iac").propagate = False  # the SDK's handler would say it again
    token = _token(given.token_file) if given.http else None
    wire = None if given.http else _take_wire()
    _require_package()
    from kitaru_iac.machine.environment import apply_environment
    from kitaru_iac.mcp.modes import Mode
    from kitaru_iac.mcp.serving import serve_http, serve_stdio

    apply_environment()
    warnings.showwarning = _show
    mode: Mode = Mode(given.mode)
    if wire is not None:
        return serve_stdio(mode, *wire)
    assert token is not None
    return serve_http(mode, given.port, token)


def _show(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
    """Write a warning to the server's own log: a line, without the place in our code."""
    if issubclass(category, KitaruWarning):
        sys.stderr.write(f"Warning: {message}\n")


def _take_wire() -> tuple[int, int]:
    from kitaru_iac.mcp.streams import take_wire

    return take_wire()


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="kitaru-iac-mcp", description="Let agents reach stacks over MCP.", allow_abbrev=False
    )
    parser.add_argument(
        "--mode",
        choices=_MODES,
        default=_MODES[0],
        help="what agents may do: look; also switch, apply, rename and copy; also delete "
        "(default: read-only)",
    )
    parser.add_argument("--http", action="store_true", help="serve HTTP on 127.0.0.1, not stdio")
    parser.add_argument("--port", type=_port, default=PORT, help=f"with --http (default: {PORT})")
    parser.add_argument(
        "--token-file", metavar="PATH", help=f"with --http: the token's file, instead of ${TOKEN}"
    )
    parser.add_argument(
        "--output",
        choices=("text", "json"),
        default="text",
        help="how to write an error before it serves (default: text)",
    )
    parser.add_argument(
        "--debug", action="store_true", help="log the traceback of each error, and what ZenML logs"
    )
    try:
        return parser.parse_args(arguments)
    except SystemExit as ended:  # argparse's code for a usage error is 2
        sys.exit(0 if not ended.code else int(ExitCode.USAGE))


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{port} is no port")
    return port


def _token(file: str | None) -> str:
    """The token that clients have to send; it leaves the environment, for children do not need it.

    Raises:
        UsageError: There is none, others may read it, or it is too short to be one.
    """
    given = os.environ.pop(TOKEN, None)
    where = f"${TOKEN}"
    if file is not None:
        where = "--token-file"
        given = _read_private(Path(file))
    token = (given or "").strip()
    if not token:
        raise UsageError(
            "HTTP needs a token",
            where=where,
            remedy=f"Put one into a file of yours and give --token-file, or set {TOKEN}: "
            "openssl rand -hex 32",
        )
    if len(token) < _SHORTEST_TOKEN or not token.isascii() or not token.isprintable():
        raise UsageError(
            f"The token is not {_SHORTEST_TOKEN} printable ASCII characters or more",
            where=where,
            remedy="Make one with: openssl rand -hex 32",
        )
    return token


def _read_private(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        text = read_small(path, _LARGEST, pipes=True).decode("ascii")
    except (OSError, ValueError) as error:
        # A name may be a token, given by mistake.
        reason = error.strerror if isinstance(error, OSError) else "it is not ASCII text"
        raise UsageError(
            "The token's file cannot be read", where="--token-file", why=reason
        ) from None
    if mode & _OTHERS:
        raise UsageError(
            "Others may read the token's file",
            where="--token-file",
            remedy=how_to_close(path, "FILE"),
        )
    return text


def _require_package() -> None:
    try:
        import mcp  # noqa: F401
    except ModuleNotFoundError as error:
        from kitaru_iac.machine.packages import install_command

        raise MissingPackages(
            "The MCP server needs the package mcp", remedy=f"Install it: {install_command('mcp')}"
        ) from error
