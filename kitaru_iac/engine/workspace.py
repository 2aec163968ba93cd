"""Where a deployment's state is, and the workspace that the engine works in.

Nothing of the user's own Pulumi is touched: no `pulumi login`, no project in the current directory.
The backend goes to the engine in its environment, and the work directory lives for one operation.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pulumi.automation import (
    CommandResult,
    LocalWorkspace,
    OutputMap,
    OutputValue,
    ProjectSettings,
    Stack,
    StackNotFoundError,
    UpdateSummary,
)
from pulumi.automation import Deployment as State
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS

from kitaru_iac import redaction
from kitaru_iac.engine.checkpoints import VERSION, Checkpoints, plain_outputs, remove_dead_sidecars
from kitaru_iac.engine.errors import BackendUnusable, PassphraseMissing
from kitaru_iac.machine.home import config_home, engine_home

__all__ = [
    "Backend",
    "QuietWorkspace",
    "default_backend",
    "engine_environment",
    "with_channels_of_its_own",
]

_PASSPHRASE = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 - the name of a variable
_PASSPHRASE_FILE = "PULUMI_CONFIG_PASSPHRASE_FILE"  # noqa: S105
_SERVICE = ("http", "https")
#: What the engine shows of an output that is secret.
_MASKED = "[secret]"
#: Where Pulumi can keep states: https://www.pulumi.com/docs/iac/concepts/state-and-backends/
_SCHEMES = ("file", "s3", "gs", "azblob", *_SERVICE)


@dataclass(frozen=True, slots=True)
class Backend:
    """Where the state of deployments is kept.

    Attributes:
        url: As Pulumi takes it: ``file:///…``, ``s3://…``, ``azblob://…``, ``gs://…``, or the
            address of Pulumi's own service.
        is_own: Whether this project made it: a folder of the configuration home, with a passphrase
            of its own. Every other one is the user's, and so is its passphrase.
    """

    url: str
    is_own: bool = False

    @property
    def label(self) -> str:
        """The URL without what could be a secret: what a record may hold and a message say."""
        return redaction.url(self.url)

    @classmethod
    def at(cls, url: str) -> Backend:
        """The backend of this URL; ours, if it is ours.

        A folder is always used with its files of attributes: with ``metadata=skip`` the locks of
        two runs would not keep them apart, and without it the same states are read.
        """
        own = own_backend()
        found = _with_metadata(url)
        return own if found == own.url else cls(found)

    def prepare(self) -> None:
        """Make what has to be there: the folder of a file backend, which Pulumi does not make."""
        self._require_known()
        folder = self.folder
        if self.is_own:
            _own_folder()
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            if self.is_own:
                empty = (file for file in folder.rglob("*.attrs") if _is_empty(file))
                remove_dead_sidecars(empty)

    @property
    def is_service(self) -> bool:
        """Whether it is Pulumi's service, or one like it, which encrypts by itself."""
        return urlsplit(self.url).scheme in _SERVICE

    def passphrase(self) -> dict[str, str]:
        """The variables that give this backend's passphrase, for another place."""
        told = {name: os.environ.get(name, "") for name in (_PASSPHRASE, _PASSPHRASE_FILE)}
        given = {**told, **self.environment()}
        return {name: given[name] for name in told if given[name] or name == _PASSPHRASE_FILE}

    def environment(self, passphrase: Mapping[str, str] | None = None) -> dict[str, str]:
        """What the engine needs to be told of it.

        Args:
            passphrase: The variables that give one; else the user's, or our own.

        Raises:
            PassphraseMissing: It needs a passphrase, and none is given.
        """
        told = {"PULUMI_BACKEND_URL": self.url}
        if passphrase is not None:
            # The file's variable would take precedence over the other one.
            return told | {_PASSPHRASE_FILE: ""} | dict(passphrase)
        given = _PASSPHRASE in os.environ or os.environ.get(_PASSPHRASE_FILE)
        if given or self.is_service:
            return told
        if not self.is_own:
            raise PassphraseMissing(self.label)
        return told | {_PASSPHRASE_FILE: str(_passphrase_file())}

    def _require_known(self) -> None:
        """Refuse what Pulumi would take for its own service, and ask a token for."""
        scheme, _, rest = self.url.partition("://")
        if scheme not in _SCHEMES or not rest:
            raise BackendUnusable(
                "The URL of the backend is none that Pulumi knows",
                where=f"PULUMI_BACKEND_URL={self.label}",
                why=f"It has to begin with {', '.join(f'{known}://' for known in _SCHEMES[:4])} or "
                "https://, and to name a place.",
                remedy="Correct it, or unset it: the state is then in the configuration home.",
            )

    @property
    def folder(self) -> Path | None:
        """The folder of a file backend with an absolute path; None for every other one."""
        parts = urlsplit(self.url)
        return Path(parts.path) if parts.scheme == "file" and parts.path.startswith("/") else None


def _with_metadata(url: str) -> str:
    """The URL of a folder without ``metadata=skip``; any other as it is."""
    parts = urlsplit(url)
    if parts.scheme != "file":
        return url
    kept = [one for one in parts.query.split("&") if one and one != "metadata=skip"]
    query = "&".join(kept)
    return urlunsplit(parts._replace(query=query)) if query != parts.query else url


def _is_empty(file: Path) -> bool:
    try:
        return file.stat().st_size == 0
    except OSError:
        return False


def own_backend() -> Backend:
    """The file backend in the configuration home."""
    return Backend((config_home() / "kitaru" / "state").as_uri(), is_own=True)


def default_backend() -> Backend:
    """`$PULUMI_BACKEND_URL`, else our own."""
    chosen = os.environ.get("PULUMI_BACKEND_URL", "").strip()
    return Backend.at(chosen) if chosen else own_backend()


def engine_environment(
    backend: Backend,
    extra: Mapping[str, str] | None = None,
    passphrase: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The variables that the engine gets beside this process's own.

    Args:
        backend: Where the state is.
        extra: More of them: credentials.
        passphrase: The variables that give one; else the user's, or our own.

    Raises:
        PassphraseMissing: The backend needs a passphrase, and none is given.
    """
    backend.prepare()
    told = {
        **backend.environment(passphrase),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    if not os.environ.get("PULUMI_HOME") and not (Path.home() / ".pulumi").is_dir():
        told["PULUMI_HOME"] = str(engine_home() / "home")
    return told | dict(extra or {})


def _own_folder() -> Path:
    """Our folder in the configuration home, for its owner only."""
    folder = config_home() / "kitaru"
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(exist_ok=True, mode=0o700)
    return folder


def _passphrase_file() -> Path:
    """The file with our own backend's passphrase, made at its first use, for its owner only."""
    file = _own_folder() / "passphrase"
    if not file.exists():
        draft = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secrets.token_urlsafe(32))
        try:
            # Unlike a rename, a link never replaces what another process made in between.
            with contextlib.suppress(FileExistsError):
                os.link(draft, file)
        finally:
            draft.unlink()
    return file


class QuietStack(Stack):
    """A stack that does not ask for the history of its updates after each one.

    The SDK starts the engine once more for a summary; what happened is in the events.
    """

    def info(self, show_secrets: bool = True) -> UpdateSummary:
        """Say nothing of the last update: nobody reads it here."""
        del show_secrets
        never = datetime.fromtimestamp(0, UTC)
        return UpdateSummary("", never, "", {}, {}, "")


def with_channels_of_its_own() -> None:
    """Make each engine that this process asks be connected to anew.

    Every operation starts an engine at a free port, and a port is used again. gRPC shares what it
    knows of an address in the whole process: after an engine that died, the next one at its port
    would be "unavailable" for a second, and an operation fail with "Resource monitor has
    terminated".
    """
    own = ("grpc.use_local_subchannel_pool", 1)
    if own not in _GRPC_CHANNEL_OPTIONS:
        _GRPC_CHANNEL_OPTIONS.append(own)


class QuietWorkspace(LocalWorkspace):
    """A workspace that leaves nothing behind.

    Pulumi would keep a note of the selected stack for each work directory, for ever; and the SDK
    exports states with their secrets in the clear, and forgets them in `/tmp` where it fails.
    """

    def __init__(self, backend: Backend, settings: ProjectSettings, **more: Any) -> None:
        with_channels_of_its_own()
        super().__init__(project_settings=settings, **more)
        self._folder = backend.folder
        self._project = settings.name
        #: The state of the selected stack, as it was at that moment; given where it is known.
        self.selected: State | None = None

    def select_stack(self, stack_name: str) -> None:
        """Make sure that it is there. Its state tells that, and is mostly wanted next."""
        if self.selected is None:
            self.selected = self.export_stack(stack_name)

    def create_stack(self, stack_name: str) -> None:
        """Make it, without selecting it."""
        self._run_pulumi_cmd_sync(["stack", "init", stack_name, "--no-select"])

    def stack_outputs(self, stack_name: str) -> OutputMap:
        """The outputs of the last update. The SDK asks for them twice, secret or not.

        Plain ones of a state in a folder are read there, as by `export_stack`.
        """
        if self._folder is not None:
            deployment = Checkpoints(self._folder, self._project, stack_name).deployment()
            found = None if deployment is None else plain_outputs(deployment)
            if found is not None:
                return {key: OutputValue(value, secret=False) for key, value in found.items()}
        done = self._run_pulumi_cmd_sync(["stack", "output", "--json", "--stack", stack_name])
        masked = json.loads(done.stdout)
        if _MASKED in masked.values():
            return super().stack_outputs(stack_name)
        return {key: OutputValue(value, secret=False) for key, value in masked.items()}

    def export_stack(self, stack_name: str) -> State:
        """The state, with its secrets encrypted.

        In a folder it is read as it lies there, which spares a start of the engine (0.3 s). What is
        not whole, or of another version than this one knows, is left to the engine.

        Raises:
            StackNotFoundError: There is none.
        """
        if self._folder is not None:
            files = Checkpoints(self._folder, self._project, stack_name)
            deployment = files.deployment()
            if deployment is not None:
                return State(VERSION, dict(deployment))
            if files.is_absent():
                raise StackNotFoundError(CommandResult("", f"no stack named '{stack_name}'", 255))
        done = self._run_pulumi_cmd_sync(["stack", "export", "--stack", stack_name])
        exported = json.loads(done.stdout)
        return State(exported.get("version"), exported.get("deployment"))

    def import_stack(self, stack_name: str, state: State) -> None:
        """Replace the state."""
        file = Path(self.work_dir, "state.json")
        text = json.dumps({"version": state.version, "deployment": state.deployment})
        file.write_text(text, encoding="utf-8")
        self._run_pulumi_cmd_sync(["stack", "import", "--file", str(file), "--stack", stack_name])
