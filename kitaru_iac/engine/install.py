"""Installing the engine and its plugins: only with consent, only below the configuration home."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from kitaru_iac.callbacks import ConfirmCallback, ProgressCallback
from kitaru_iac.engine.errors import EngineNotInstalled, PluginMissing
from kitaru_iac.engine.find import (
    INSTALL_PAGE,
    EngineNotFound,
    EngineTooOld,
    FoundEngine,
    find_engine,
    inspect,
)
from kitaru_iac.errors import MissingPackages
from kitaru_iac.machine.home import engine_home
from kitaru_iac.machine.packages import install_command

if TYPE_CHECKING:
    from kitaru_iac.engine.command import EngineCommand

__all__ = ["ensure_engine", "ensure_plugin", "install_engine"]


def ensure_engine(
    consent: ConfirmCallback | None = None, *, progress: ProgressCallback | None = None
) -> FoundEngine:
    """The engine; if there is none, or only an old one, it is installed with consent.

    Args:
        consent: Asked before anything is downloaded. None means no.
        progress: Gets one-line messages.

    Raises:
        MissingPackages: The engine's Python SDK is not installed, without which it is no use.
        EngineNotFound: There is none, and no consent.
        EngineTooOld: There is an old one, and no consent.
        EngineUnusable: There is one that does not work.
        EngineNotInstalled: Installing it failed.
    """
    try:
        metadata.version("pulumi")
    except metadata.PackageNotFoundError as error:
        raise MissingPackages(
            "Pulumi's Python SDK is not installed",
            why="kitaru needs it beside the engine, and it is a dependency of kitaru-iac.",
            remedy=install_command(),
        ) from error
    try:
        return find_engine(engine_home())
    except (EngineNotFound, EngineTooOld) as error:
        chosen = os.environ.get("KITARU_PULUMI")
        question = f"{error.what}. Download it from get.pulumi.com into {engine_home()}?"
        if chosen or consent is None or not consent(question):
            raise
    return install_engine(progress=progress)


def install_engine(*, progress: ProgressCallback | None = None) -> FoundEngine:
    """Download the engine that belongs to the installed Pulumi SDK, with Pulumi's own installer.

    Raises:
        EngineNotInstalled: It cannot be downloaded or does not run.
    """
    from pulumi._version import version
    from pulumi.automation import PulumiCommand

    root = engine_home() / str(version)
    if progress:
        progress(f"Installing the Pulumi engine {version} into {root}")
    root.mkdir(parents=True, exist_ok=True)
    try:
        PulumiCommand.install(root=str(root))
    except subprocess.CalledProcessError as error:
        said = (error.output or b"").decode(errors="replace").strip().splitlines()
        raise _not_installed(said[-1] if said else f"code {error.returncode}") from error
    except OSError as error:  # urllib's errors too
        reason = getattr(error, "reason", None) or error
        raise _not_installed(str(reason)) from error
    finally:
        # An empty folder would be looked at as an installed engine for ever.
        if not (root / "bin").is_dir():
            shutil.rmtree(root, ignore_errors=True)
    name = "pulumi.exe" if os.name == "nt" else "pulumi"
    return inspect(root / "bin" / name)


def _not_installed(why: str) -> EngineNotInstalled:
    return EngineNotInstalled(
        "The Pulumi engine could not be installed",
        why=f"get.pulumi.com: {why}",
        remedy=f"Install it by hand ({INSTALL_PAGE}), or set KITARU_PULUMI to its path.",
    )


def ensure_plugin(
    command: EngineCommand,
    name: str,
    version: str,
    environment: Mapping[str, str],
    cwd: Path,
    *,
    progress: ProgressCallback | None = None,
) -> None:
    """Make sure that a provider plugin is there before the engine asks for it.

    The engine would download it by itself, but silently: it is a few hundred megabytes.

    Raises:
        PluginMissing: It is not there, and cannot be downloaded.
    """
    home = environment.get("PULUMI_HOME") or os.environ.get("PULUMI_HOME")
    plugins = (Path(home) if home else Path.home() / ".pulumi") / "plugins"
    # The engine notes an unfinished download beside the folder.
    is_whole = not (plugins / f"resource-{name}-v{version}.partial").exists()
    if (plugins / f"resource-{name}-v{version}").is_dir() and is_whole:
        return
    if shutil.which(f"pulumi-resource-{name}"):
        return
    forbidden = os.environ.get("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "").lower()
    if forbidden in {"1", "true"}:
        raise PluginMissing(
            name, version, "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION forbids downloading it."
        )
    if progress:
        progress(f"Installing the Pulumi plugin {name} {version} (once, a few hundred megabytes)")
    from pulumi.automation.errors import CommandError

    try:
        command.run(["plugin", "install", "resource", name, f"v{version}"], str(cwd), environment)
    except CommandError as error:
        said = [line.strip() for line in str(error).splitlines() if "error:" in line]
        why = said[-1].partition("error:")[2].strip() if said else None
        raise PluginMissing(name, version, why) from error
