"""The failures of the engine, told apart once.

The SDK's errors have no fields: its text is all there is. It is read here and nowhere else.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Sequence

from kitaru_iac.engine.events import Diagnostic, ResourceChange, name_of, type_of
from kitaru_iac.errors import EngineError, ExitCode
from kitaru_iac.patterns import compiled

__all__ = [
    "BackendUnusable",
    "CredentialsMissing",
    "DeploymentElsewhere",
    "EngineNotInstalled",
    "EventsIncomplete",
    "Lock",
    "PassphraseMissing",
    "PluginMissing",
    "ResourceProtected",
    "StateDamaged",
    "StateForeign",
    "StateLocked",
    "UpdateCancelled",
    "UpdateFailed",
    "WrongPassphrase",
    "mapped",
    "read_locks",
]


class EngineNotInstalled(EngineError):
    """The engine is not there, and could not be installed."""

    code = "engine_not_installed"


class Lock:
    """Who holds a state: as the backend of a file, an S3 bucket and the like tells it."""

    __slots__ = ("host", "pid", "since", "user")

    def __init__(self, user: str, host: str, pid: int, since: str = "") -> None:
        self.user = user
        self.host = host
        self.pid = pid
        self.since = since

    def __str__(self) -> str:
        since = f" since {self.since}" if self.since else ""
        return f"process {self.pid} of {self.user} on {self.host}{since}"


class StateLocked(EngineError):
    """Another update holds the state, or one that died without releasing it.

    Args:
        stack: The deployment.
        backend: Where its state is, without secrets.
        locks: Who holds it, where the backend tells.
        project: Pulumi's project, where the command is for any folder and not for its own.
    """

    code = "state_locked"

    def __init__(
        self, stack: str, backend: str, locks: Sequence[Lock] = (), project: str = ""
    ) -> None:
        self.locks = tuple(locks)
        holders = ", ".join(map(str, locks)) or "somebody else"
        super().__init__(
            f"The state of deployment {stack} is locked by {holders}",
            why="Two updates at the same time would overwrite each other's state.",
            remedy="Wait until it has ended and run this again. If it died: "
            f"{_command('cancel', stack, backend, project)}",
        )


class WrongPassphrase(EngineError):
    """The state was encrypted with another passphrase."""

    code = "wrong_passphrase"

    def __init__(self, stack: str, backend: str) -> None:
        given = [
            name
            for name in ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")
            if name in os.environ
        ]
        source = f"{given[0]} is not the one" if given else "The passphrase file is not the one"
        super().__init__(
            f"The passphrase does not decrypt the state of deployment {stack}",
            where=backend,
            why=f"{source} that it was encrypted with.",
            remedy="Set PULUMI_CONFIG_PASSPHRASE to that one, or unset it if it was generated.",
        )


class PassphraseMissing(EngineError):
    """A backend of the user's own needs the user's own passphrase."""

    code = "passphrase_missing"

    def __init__(self, backend: str) -> None:
        super().__init__(
            "No passphrase is given for the state of the infrastructure",
            where=backend,
            why="One that is generated here would lock out everybody else who uses this backend.",
            remedy="Set PULUMI_CONFIG_PASSPHRASE, or PULUMI_CONFIG_PASSPHRASE_FILE to a file.",
        )


class StateDamaged(EngineError):
    """The file of a state was cut off, and no copy of it could be taken.

    Args:
        stack: The deployment.
        backend: Where its state is, without secrets.
        why: What is wrong with it.
        remedy: How to go on; what a backend that is no folder offers, if left out.
    """

    code = "state_damaged"

    def __init__(self, stack: str, backend: str, why: str, remedy: str | None = None) -> None:
        super().__init__(
            f"The state of deployment {stack} is damaged",
            where=backend,
            why=why,
            remedy=remedy
            or f"Put back an earlier version of .pulumi/stacks/kitaru/{stack}.json there, or the "
            "copy of it that ends in .bak.",
        )


class StateForeign(EngineError):
    """The state is another project's or another stack's."""

    code = "state_foreign"


class BackendUnusable(EngineError):
    """The backend cannot be reached, read or written."""

    code = "backend_unusable"


class PluginMissing(EngineError):
    """A provider plugin is not installed, and could not be downloaded."""

    code = "plugin_missing"

    def __init__(self, name: str, version: str | None, why: str | None = None) -> None:
        which = f"{name} {version}" if version else name
        command = f"pulumi plugin install resource {name}" + (f" v{version}" if version else "")
        super().__init__(
            f"The Pulumi plugin {which} is missing",
            why=why or "The engine could not download it.",
            remedy=f"With a connection to the internet: {command}",
        )


class CredentialsMissing(EngineError):
    """The provider found no credentials of the cloud, or the cloud refused them."""

    code = "credentials_missing"


class ResourceProtected(EngineError):
    """Something would have been deleted or replaced that must not be; it was not.

    It is protected, or somebody else's things lie in it or stand on it.
    """

    code = "resource_protected"


class DeploymentElsewhere(EngineError):
    """The deployment of this name is in another account or region."""

    code = "deployment_elsewhere"


class EventsIncomplete(EngineError):
    """The engine counted changes that it did not tell: a plan of the rest would be too small."""

    code = "events_incomplete"


class UpdateCancelled(EngineError):
    """Ctrl-C. What was being made when it was pressed is finished, or noted as unfinished."""

    code = "update_cancelled"
    exit_code = ExitCode.INTERRUPTED


class UpdateFailed(EngineError):
    """The engine, a provider or the program failed.

    Args:
        failures: One line for each thing that failed.
        changes: What was done before, and beside it.
        of_resources: Those of the failures that are about one resource. The others are the
            program's own, or what the engine says when it ends early.
    """

    code = "update_failed"

    def __init__(
        self,
        what: str,
        failures: Iterable[str] = (),
        *,
        remedy: str | None = None,
        changes: Iterable[ResourceChange] = (),
        of_resources: Iterable[str] = (),
    ) -> None:
        self.failures = tuple(failures)
        self.of_resources = tuple(of_resources)
        self.changes = tuple(changes)
        super().__init__(what, why="\n".join(self.failures) or None, remedy=remedy)


_LOCK = compiled(r"created by ([^\n(]+)@(\S+) \(pid (\d+)\)(?: at (\d{4}-\S+))?")
_PLUGIN = compiled(
    r"(?:resource plugin|plugin) [`'\"]?(?:resource-|pulumi-resource-)?([a-z][a-z0-9-]*?)[`'\"]?"
    r"(?:[- ]v?(\d+\.\d+\.\d+))?[`'\"]? (?:not found|could not be)|"
    r"no resource plugin '?(?:pulumi-resource-)?([a-z][a-z0-9-]*)'?"
    r"(?:(?:-| at version )v?(\d+\.\d+\.\d+))? found"
)
#: Where the engine writes it after "found in the workspace".
_VERSION = compiled(r"\bat version v?(\d+\.\d+\.\d+)")
_CREDENTIALS = (
    "no valid credential sources",
    "unable to validate aws credentials",
    "nocredentialproviders",
    "invalidclienttokenid",
    "expiredtoken",
    "signaturedoesnotmatch",
    "failed to refresh cached credentials",
    "could not find default credentials",
    "failed to acquire a token",
)
#: What the engine says beside the failure of a resource, and which says nothing.
_NOTHING = {"update failed", "preview failed", "Resource monitor has terminated, shutting down"}
_PROTECTED = ("is protected", "cannot be deleted because it is protected", "protected resource")


def _command(verb: str, stack: str, backend: str, project: str) -> str:
    """A command of Pulumi's, for a shell."""
    # Outside of its project's folder a stack is known by its whole name; in a backend that is no
    # service of Pulumi's that always begins with this word.
    if project and not backend.startswith(("http://", "https://")):
        stack = f"organization/{project}/{stack}"
    return f"PULUMI_BACKEND_URL={shlex.quote(backend)} pulumi {verb} --stack {shlex.quote(stack)}"


def read_locks(text: str) -> tuple[Lock, ...]:
    """The holders that an error about a locked state names."""
    return tuple(Lock(user, host, int(pid), at) for user, host, pid, at in _LOCK.findall(text))


def mapped(
    error: Exception,
    *,
    stack: str,
    backend: str,
    doing: str,
    diagnostics: Sequence[Diagnostic] = (),
    failed: Sequence[str] = (),
    resume: str = "Run the same command again: it resumes from here.",
    hide: Iterable[str] = (),
    log_in: str | None = None,
    changes: Iterable[ResourceChange] = (),
    project: str = "",
) -> EngineError:
    """The typed error for whatever the SDK raised.

    Args:
        error: The SDK's.
        stack: The deployment.
        backend: Where its state is, without secrets.
        doing: What was done, as ``create the infrastructure``.
        diagnostics: What the engine said.
        failed: The resources whose operation failed.
        resume: How to go on after a failure of a resource.
        hide: Texts that must not be shown.
        log_in: The command that logs in to the deployment's cloud, where it is known.
        changes: What happened to each resource.
        project: Pulumi's project, where commands are for any folder and not for its own.
    """
    if isinstance(error, EngineError):
        return error
    text = str(error)
    errors = [d for d in diagnostics if d.severity == "error"]
    said = "\n".join([text, *(d.message for d in errors)])
    low = said.lower()
    if "currently locked by" in said or "Another update is currently in progress" in said:
        return StateLocked(stack, backend, read_locks(said), project)
    if "incorrect passphrase" in low or "message authentication failed" in low:
        return WrongPassphrase(stack, backend)
    if "passphrase must be set" in low:
        return PassphraseMissing(backend)
    if "failed to load checkpoint" in low and not errors:
        return StateDamaged(stack, backend, " ".join(_hidden(x, hide) for x in _stderr(text)))
    plugin = _PLUGIN.search(said)
    if plugin:
        name, version = plugin[1] or plugin[3], plugin[2] or plugin[4]
        if version is None and (after := _VERSION.search(said, plugin.end())):
            version = after[1]
        return PluginMissing(name, version)
    lines = [_hidden(line, hide) for line in _lines(errors, failed) or _stderr(text)]
    if any(word in low for word in _CREDENTIALS):
        return _without_credentials(lines, log_in)
    if any(word in low for word in _PROTECTED):
        return ResourceProtected(
            "Protected resources would have been deleted or replaced, and were left alone",
            why="\n".join(lines),
            remedy="Describe them as they are, or unprotect them on purpose: "
            f"{_command('state unprotect', stack, backend, project)} URN",
        )
    if not errors and _is_about_backend(low):
        return BackendUnusable(
            "The state of the infrastructure cannot be read",
            where=backend,
            why="\n".join(lines) or None,
            remedy="Check PULUMI_BACKEND_URL and your access to it.",
        )
    about = [error for error in errors if error.urn and _is_shown(error.urn, failed)]
    return UpdateFailed(
        f"Could not {doing}",
        lines,
        remedy=resume,
        changes=[change for change in changes if change.urn not in failed],
        of_resources=[_hidden(line, hide) for line in _lines(about, failed)],
    )


def _without_credentials(lines: Sequence[str], log_in: str | None) -> CredentialsMissing:
    return CredentialsMissing(
        "The cloud's provider has no usable credentials",
        why="\n".join(lines),
        remedy=f"Log in (`{log_in}`), or give --credentials."
        if log_in
        else "Log in to the cloud, or give --credentials.",
    )


def _is_shown(urn: str, failed: Sequence[str]) -> bool:
    """Whether words about it are about a resource, and not about the run."""
    return urn in failed or not type_of(urn).startswith("pulumi:")


def _is_about_backend(low: str) -> bool:
    words = ("could not get cloud url", "unable to open bucket", "could not list bucket",
             "problem logging in", "unable to check if bucket", "could not read meta",
             "no such file or directory", "permission denied", "read-only file system",
             "unable to open state directory", "pulumi_access_token must be set", "corrupt store",
             "no such host", "connection refused",
             "invalid access token")  # fmt: skip
    return any(word in low for word in words)


def _lines(errors: Sequence[Diagnostic], failed: Sequence[str]) -> list[str]:
    """One line for each thing that failed: which, and the provider's words about it."""
    lines = []
    for said in errors:
        message = " ".join(said.message.split())
        if message in _NOTHING and len(errors) > 1:
            continue
        if said.urn and _is_shown(said.urn, failed):
            lines.append(f"{name_of(said.urn)} ({type_of(said.urn)}): {message}")
        else:
            lines.append(message)
    return list(dict.fromkeys(lines))


def _stderr(text: str) -> list[str]:
    """The engine's own words in the text of the SDK's error."""
    words = text.partition("stderr:")[2] or text
    found = [line.strip() for line in words.splitlines() if line.strip()]
    errors = [line.removeprefix("error:").strip() for line in found if line.startswith("error:")]
    return errors or found[-3:]


def _hidden(text: str, hide: Iterable[str]) -> str:
    for secret in hide:
        if secret:
            text = text.replace(secret, "(secret)")
    return text
