"""`kitaru init`, `kitaru login` and `kitaru logout`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from kitaru_iac.cli.output import current as output

__all__ = ["init", "login", "logout"]

#: Where a key is looked for when none is given.
KEY_VARIABLES = ("KITARU_API_KEY", "ZENML_STORE_API_KEY")


def init(
    path: Annotated[
        str | None,
        typer.Argument(metavar="PATH", help="The directory.", show_default="here"),
    ] = None,
) -> None:
    """Prepare a directory for Kitaru projects.

    Makes it a ZenML repository, which has its own active stack, and makes sure that the default
    stack is there. A second time it changes nothing.

    Examples:
        kitaru init
    """
    from kitaru_iac.connection.login import init as run

    out = output()
    done = run(path)
    if done.created:
        lines = [
            f"Initialized Kitaru project in {done.path}",
            f"Created {done.repository}",
            f"Active stack here: {done.active_stack}",
        ]
    else:
        lines = [
            f"Already initialized: {done.repository} exists",
            f"Active stack here: {done.active_stack}",
        ]
    out.item(done.to_dict(), lines)


def login(
    url: Annotated[
        str | None,
        typer.Argument(
            metavar="URL",
            help="The server. Without it a local server is started.",
            show_default=False,
        ),
    ] = None,
    api_key: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="Where the API key is: env:NAME, file:PATH, - (stdin), or prompt. Without it "
            "KITARU_API_KEY and ZENML_STORE_API_KEY are tried, then the login in a browser.",
        ),
    ] = None,
    project: Annotated[
        str | None, typer.Option(metavar="NAME", help="The project to work in from now on.")
    ] = None,
    ca_cert: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="The certificates (PEM) of the authority behind the server's."
        ),
    ] = None,
    no_verify_ssl: Annotated[
        bool, typer.Option("--no-verify-ssl", help="Do not check the server's certificate.")
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(metavar="PORT", help="Where a local server listens.", show_default="8237"),
    ] = None,
    timeout: Annotated[
        int, typer.Option(metavar="SECONDS", help="How long to wait for an answer.")
    ] = 15,
) -> None:
    """Connect to a Kitaru server, or start a local one.

    Everything is tried before anything is changed: if the server does not answer or refuses the
    key, you stay connected to what you were connected to.

    Examples:
        kitaru login https://kitaru.example.com
        kitaru login https://kitaru.example.com --api-key env:KITARU_API_KEY
        kitaru login https://kitaru.example.com --api-key - < key.txt
        kitaru login
    """
    from kitaru_iac.connection import login as connection

    _require_numbers(port, timeout)
    out = output()
    if url is None:
        from kitaru_iac.connection.local_server import login_local

        done = login_local(progress=out.progress, project=project, port=port)
    else:
        done = connection.login(
            url,
            api_key=_api_key(api_key),
            project=project,
            verify_ssl=ca_cert or not no_verify_ssl,
            timeout=timeout,
            browser=_browser_notice if _can_use_browser() else None,
        )
    for warning in done.warnings:
        out.warn(warning)
    lines = [f"Connected to {done.url}", f"Server version: {done.server_version}"]
    told = {"User": done.user, "Project": done.project, "Active stack": done.active_stack}
    lines += [f"{name}: {value}" for name, value in told.items() if value]
    out.item(done.to_dict(), lines)


def _require_numbers(port: int | None, timeout: int) -> None:
    from kitaru_iac.cli.numbers import LONGEST, PORTS, require_within

    require_within("--port", port, *PORTS)
    require_within("--timeout", timeout, 1, LONGEST)


def logout() -> None:
    """Go back to the local store.

    The key or token of the server is forgotten; a local server that kitaru login started is
    stopped.

    Examples:
        kitaru logout
    """
    from kitaru_iac.connection.login import logout as run

    out = output()
    done = run()
    if not done.was_connected:
        lines = ["Not connected to a server: nothing to do."]
    else:
        lines = [f"Disconnected from {done.url}"]
        lines += ["Stopped the local server."] if done.stopped_local_server else []
        lines += [f"Active stack: {done.active_stack}"] if done.active_stack else []
    out.item(done.to_dict(), lines)


def _api_key(source: str | None) -> str | None:
    """The key that a source holds; None if there is none."""
    if source is None:
        return next((os.environ[name] for name in KEY_VARIABLES if os.environ.get(name)), None)
    if source == "prompt":
        from kitaru_iac.cli.terminal import hidden_input

        return hidden_input("API key: ", remedy="Use --api-key env:NAME, file:PATH or -.")
    from kitaru_iac.connection.login import key_from

    return key_from(source, sys.stdin)


def _can_use_browser() -> bool:
    from kitaru_iac.cli.terminal import someone_is_there

    return someone_is_there()


def _browser_notice(address: str) -> None:
    output().note(f"Confirm this login in your browser:\n  {address}")
