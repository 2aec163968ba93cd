"""Look at this machine: what is there, what is missing, and the command that installs it.

Fast on purpose: versions and extras come from package metadata and the store from ZenML's
configuration file, so that neither ZenML nor Pulumi nor a cloud's SDK is imported. A server is
asked for its version, without a login.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from packaging.specifiers import SpecifierSet

from kitaru_iac import redaction
from kitaru_iac.engine.find import (
    INSTALL_PAGE,
    MINIMUM,
    EngineNotFound,
    EngineTooOld,
    EngineUnusable,
    find_engine,
)
from kitaru_iac.errors import KitaruError, NotConnectedError, SettingsDamaged
from kitaru_iac.files import reason
from kitaru_iac.machine import packages
from kitaru_iac.machine.active_scope import repository, repository_config
from kitaru_iac.machine.command_owner import command_on_path, other_flows_version, scripts_folder
from kitaru_iac.machine.home import config_home, engine_home
from kitaru_iac.machine.init_hooks import mover
from kitaru_iac.machine.local_database import FLAVORS, is_of_another, of_another, size_of
from kitaru_iac.machine.local_database import examine as examine_database
from kitaru_iac.machine.settings import read_global, read_logins, read_repository
from kitaru_iac.machine.store_choice import chosen_url, require_own_kind, require_whole
from kitaru_iac.machine.store_location import RestStore, default_database, server_of
from kitaru_iac.machine.unreadable import UnreadableError
from kitaru_iac.values import dataclass, fields

__all__ = ["Finding", "Status", "examine"]

EVERYTHING = "all"  # the extra that only sums up the others

Status = Literal["ok", "missing", "warn", "unknown"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        id: A stable name: `python`, `zenml.store`, `extra.aws`.
        title: What was looked at, for a reader.
        status: `ok`; `missing`; `warn`, there but not as it should be; `unknown`, not to be told.
        detail: What was found. Never holds a secret.
        remedy: The command or edit that fixes it, where one does.
    """

    id: str
    title: str
    status: Status
    detail: str
    remedy: str | None = None

    def to_dict(self) -> dict[str, str]:
        """The finding's filled fields."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        return {key: value for key, value in found.items() if value is not None}


def examine() -> list[Finding]:
    """Look at everything this project stands on."""
    packages.forget()
    with ThreadPoolExecutor(max_workers=1) as pool:
        engine = pool.submit(_engine)
        before = [
            *(_python(), _own_version(), _command(), _flows(), _base()),
            *(_zenml(), _config_home(), _store()),
        ]
        extras = [_extra(name) for name in _extras()]
        return [*before, engine.result(), *extras]


def _extras() -> list[str]:
    provided = metadata.metadata(packages.DISTRIBUTION).get_all("Provides-Extra") or []
    return [name for name in provided if name != EVERYTHING]


# The findings


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    wanted = metadata.metadata(packages.DISTRIBUTION)["Requires-Python"]
    fits = SpecifierSet(wanted).contains(version, prereleases=True)
    return Finding(
        "python",
        "Python",
        "ok" if fits else "warn",
        f"{version} ({sys.executable})",
        None if fits else f"Use Python {wanted}.",
    )


def _own_version() -> Finding:
    return Finding("kitaru-iac", "kitaru-iac", "ok", packages.version(packages.DISTRIBUTION))


def _command() -> Finding:
    """Whose ``kitaru`` is: another distribution of that name brings a command of that name too."""
    title, mend = "Command kitaru", packages.reinstall_command()
    found = command_on_path("kitaru")
    if found is None:
        here = scripts_folder() / "kitaru"
        if here.exists():
            return Finding("command", title, "ok", f"{here} (not on PATH)")
        return Finding("command", title, "missing", f"there is no {here}", mend)
    path, package = found.path, found.package
    if package == "kitaru_iac":
        if found.is_here:
            return Finding("command", title, "ok", f"{path} ({packages.DISTRIBUTION})")
        detail = f"{path} ({packages.DISTRIBUTION}, in another environment than this one)"
        return Finding("command", title, "warn", detail, f"Put {scripts_folder()} first on PATH.")
    if package is None:
        return Finding("command", title, "unknown", f"{path} (whose it is cannot be told)")
    whose = found.distribution or f"package {package}"
    detail = f"{path} belongs to {whose}; ours is kitaru-iac"
    return Finding("command", title, "warn", detail, f"Call kitaru-iac, or: {mend}")


def _flows() -> Finding:
    """Whose flows `kitaru_iac.flow` makes: those of a `kitaru` that has some, or ours."""
    other = other_flows_version()
    whose = f"kitaru {other}" if other else packages.DISTRIBUTION
    return Finding("flows", "Flows", "ok", f"those of {whose}")


def _base() -> Finding:
    lacking = packages.unmet()
    if lacking:
        detail = ", ".join(lacking)
        return Finding("packages", "Packages", "missing", detail, packages.install_command())
    return Finding("packages", "Packages", "ok", "everything the base install needs is there")


def _zenml() -> Finding:
    try:
        version = packages.version("zenml")
    except metadata.PackageNotFoundError:
        return Finding("zenml", "ZenML", "missing", "not installed", packages.install_command())
    wanted = next(
        r for r in packages.requirements(packages.DISTRIBUTION, None) if r.name == "zenml"
    ).specifier
    if wanted.contains(version, prereleases=True):
        return Finding("zenml", "ZenML", "ok", version)
    return Finding(
        "zenml", "ZenML", "warn", f"{version} (needs {wanted})", packages.install_command()
    )


def _config_home() -> Finding:
    home = config_home()
    names = ("KITARU_CONFIG_PATH", "ZENML_CONFIG_PATH")
    source = next((f"from {name}" for name in names if os.environ.get(name)), "the default")
    if (hook := mover()) and not os.environ.get("KITARU_CONFIG_PATH"):
        source = f"{hook.distribution} {hook.version}, installed beside, moves it"
    is_there = os.path.isdir(home)  # noqa: PTH112 - pathlib raises for a name too long
    state = "" if is_there else ", not created yet"
    return Finding("zenml.config", "Configuration directory", "ok", f"{home} ({source}{state})")


def _store() -> Finding:
    title = "ZenML store"
    try:
        config = _whole_settings()
        require_whole(config, os.environ)
        require_own_kind(config, os.environ)
    except SettingsDamaged as error:
        why = ". ".join(part for part in (error.what, error.why) if part)
        return Finding("zenml.store", title, "unknown", f"{error.where}: {why}", error.remedy)
    except NotConnectedError as error:
        why = ". ".join(part for part in (error.what, error.why) if part)
        return Finding("zenml.store", title, "warn", why, error.remedy)
    url = chosen_url(config, os.environ)
    if not url:
        shown = "local (SQLite, in the configuration directory)"
        return _local_store(default_database(os.environ), shown)
    if "://" not in url:
        detail = "what is configured is not the URL of a store"
        return Finding("zenml.store", title, "warn", detail, "Log in again: kitaru login URL")
    shown = redaction.url(url)
    scheme = shown.partition("://")[0]
    kind = {"http": "server", "https": "server", "sqlite": "local (SQLite)"}.get(
        scheme, f"database ({scheme})"
    )
    if scheme == "sqlite":
        file = url.removeprefix("sqlite:///").partition("?")[0]
        return _local_store(Path(file), f"{kind}: {shown}")
    if kind == "server":
        return _server(url, f"{kind}: {shown}", config)
    return _not_asked(f"{kind}: {shown}")


def _server(url: str, shown: str, config: Mapping[str, Any]) -> Finding:
    """A server answers, and says a version that this package works with."""
    from kitaru_iac.gateway.http import require_answer
    from kitaru_iac.gateway.versions import check_server

    found = partial(Finding, "zenml.store", "ZenML store")
    try:
        place = server_of(config, os.environ) or RestStore(url)
        version = require_answer(url, os.environ, verify=place.verify, timeout=place.timeout)
        notes = check_server(redaction.url(url), version) if version else ()
    except UnreadableError as error:
        return found("unknown", f"{shown}: {error}")
    except KitaruError as error:
        why = ". ".join(part for part in (error.what, error.why) if part)
        return found("warn", f"{shown}: {why}", error.remedy or "kitaru status")
    if notes:
        return found("warn", f"{shown}: {notes[0]}")
    return found("ok", f"{shown}, ZenML {version.strip()}") if version else _not_asked(shown)


def _not_asked(shown: str) -> Finding:
    """Whether it answers is not known: by a database's address, or a proxy, ZenML alone goes."""
    detail = f"{shown}, not asked: only ZenML knows the way"
    return Finding("zenml.store", "ZenML store", "unknown", detail, "zenml status")


def _local_store(path: Path, shown: str) -> Finding:
    """A local store is whole, or there is none yet; or its making was cut off."""
    from kitaru_iac.gateway.versions import installed_version

    again = "Nothing is lost: the next command that needs it makes it anew."
    faults = {
        "half-made": ("was never finished, and nothing is in it", again),
        "lacks-flavors": (
            "lacks some of ZenML's flavors",
            "The next command that writes adds them.",
        ),
        "unstamped": (
            "was never finished, and holds what may be somebody's",
            f"Move the file away, for a new store: mv {path} {path}.old",
        ),
    }
    try:
        size_of(path)
    except NotConnectedError as error:
        return Finding("zenml.store", "ZenML store", "warn", f"{shown}: {error.why}", error.remedy)
    look = examine_database(path)
    if look.state == "unknown":
        detail = f"{shown}, which cannot be looked at"
        return Finding("zenml.store", "ZenML store", "unknown", detail, "zenml status")
    here = installed_version()
    if is_of_another(look, here):
        other = of_another(str(path), str(look.version), str(here))
        return Finding("zenml.store", "ZenML store", "warn", f"{shown}: {other.what}", other.remedy)
    if look.state == "unfamiliar":
        detail = f"{shown}, of ZenML {look.version}, which this kitaru does not know"
        known = "Use a kitaru that knows it: ZenML itself would migrate what it opens."
        return Finding("zenml.store", "ZenML store", "unknown", detail, known)
    if look.version not in (None, here) and here not in FLAVORS:
        detail = f"{shown}, of ZenML {look.version}, and {here} here may refuse to open it"
        return Finding("zenml.store", "ZenML store", "unknown", detail)
    fault = faults.get(look.state)
    if fault is None:
        return Finding("zenml.store", "ZenML store", "ok", shown)
    return Finding("zenml.store", "ZenML store", "warn", f"{shown}: it {fault[0]}", fault[1])


def _whole_settings() -> Mapping[str, Any]:
    """ZenML's global settings.

    Raises:
        SettingsDamaged: One of ZenML's files that a command reads is empty or cut off, or cannot
            be read.
    """
    config = read_global()
    read_logins()
    if (root := repository(os.environ)) is not None:
        read_repository(repository_config(root, os.environ))
    return config


def _engine() -> Finding:
    title = "Pulumi engine"
    try:
        engine = find_engine(engine_home(), timeout=10)
    except OSError as error:  # the place of our own engines cannot be looked at
        return Finding("pulumi.engine", title, "unknown", f"{engine_home()}: {reason(error)}")
    except EngineNotFound:
        detail = f"not found; only provisioning needs it, {MINIMUM} or newer"
        return Finding("pulumi.engine", title, "missing", detail, f"See {INSTALL_PAGE}")
    except EngineTooOld as error:
        found = error.found
        detail = f"{found.version} ({found.path}); {error.minimum} is the oldest supported version"
        return Finding("pulumi.engine", title, "warn", detail, error.remedy)
    except EngineUnusable as error:
        detail = f"{error.path}: {error.reason}"
        return Finding("pulumi.engine", title, "warn", detail, error.remedy)
    return Finding("pulumi.engine", title, "ok", f"{engine.version} ({engine.path})")


def _extra(name: str) -> Finding:
    lacking = packages.unmet(packages.DISTRIBUTION, name)
    title = f"Extra {name}"
    if lacking:
        detail = "missing: " + ", ".join(lacking)
        return Finding(f"extra.{name}", title, "missing", detail, packages.install_command(name))
    return Finding(f"extra.{name}", title, "ok", "installed: " + ", ".join(_brought_by(name)))


def _brought_by(extra: str) -> list[str]:
    """The packages an extra asks for, with those of the extras it asks of others."""
    names: dict[str, None] = {}
    for wanted in packages.requirements(packages.DISTRIBUTION, extra):
        names[wanted.name] = None
        for inner in sorted(wanted.extras):
            names |= dict.fromkeys(r.name for r in packages.requirements(wanted.name, inner))
    base = {wanted.name for wanted in packages.requirements(packages.DISTRIBUTION, None)}
    return [f"{name} {packages.version(name)}" for name in names if name not in base]
