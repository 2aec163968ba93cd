"""`kitaru mcp`."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Literal

import typer

__all__ = ["mcp"]


def mcp(
    mode: Annotated[
        Literal["read-only", "standard", "destructive"],
        typer.Option(
            help="What agents may do: look (read-only); also switch, apply, rename and copy "
            "(standard); also delete (destructive).",
        ),
    ] = "read-only",
    http: Annotated[
        bool, typer.Option("--http", help="Serve HTTP on 127.0.0.1 instead of stdin and stdout.")
    ] = False,
    port: Annotated[
        int, typer.Option(metavar="N", help="With --http: where to listen; 0 takes a free port.")
    ] = 8765,
    token_file: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="With --http: the file that holds the token; else KITARU_MCP_TOKEN does.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Let agents reach stacks: an MCP server.

    Speaks over stdin and stdout until the client closes them, so an agent's program starts it. With
    --http it serves clients on this machine that send the token, until it is stopped. What keeps it
    from serving is told in the form that is asked for; with --debug its log on stderr has the
    traceback of each error.

    Examples:
        kitaru mcp
        kitaru mcp --mode standard
        kitaru mcp --http --token-file ~/.config/kitaru-mcp-token
    """
    import logging

    from kitaru_iac.cli.numbers import PORTS, require_within
    from kitaru_iac.cli.output import current

    require_within("--port", port, 0, PORTS[1])
    words = ["--mode", mode, "--port", str(port)]
    words += ["--http"] if http else []
    words += ["--token-file", token_file] if token_file is not None else []
    words += ["--output", "json"] if current().structured else []
    words += ["--debug"] if logging.getLogger("kitaru_iac").isEnabledFor(logging.DEBUG) else []
    # Another program, not an import: a face of its own, which moves stdout away before it begins.
    # -P: a folder of the user's is not where Python looks for it.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "kitaru_iac.mcp", *words])  # noqa: S606
