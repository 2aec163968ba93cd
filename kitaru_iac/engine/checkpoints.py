"""The files of a state in a folder: what a killed engine left of them, and the copy beside them.

Pulumi keeps the state of a deployment in ``.pulumi/stacks/PROJECT/STACK.json``, the one before it
in ``STACK.json.bak``, one of each update in ``.pulumi/backups``, and beside every file a small one
with its attributes (gocloud.dev's `fileblob`), which is written in two steps.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from kitaru_iac.engine.errors import Lock

__all__ = [
    "VERSION",
    "Checkpoint",
    "Checkpoints",
    "is_damage",
    "named",
    "parsed",
    "plain_outputs",
    "remove_dead_sidecars",
    "whose",
]

#: Of the format of states: https://pkg.go.dev/github.com/pulumi/pulumi/sdk/v3/go/common/apitype
VERSION = 3
#: Seconds after which an incomplete file of attributes is nobody's who is writing it just now.
_SIDECAR_IS_DEAD = 5.0
#: The note of a folder's format: each project has a folder of its own.
_FORMAT = "version: 1\n"
#: The type of the resource that stands for a program.
_ROOT = "pulumi:pulumi:Stack"
#: The key of what JSON has no kind for: https://pkg.go.dev/github.com/pulumi/pulumi/sdk/v3/go/common/resource
_SIGNATURE = "4dabf18193072939515e22adb298388d"
#: What Pulumi says at a state of which a part is missing.
_DAMAGE = ("failed to load checkpoint", "corrupt store", 'read ".pulumi/meta.yaml"')


def is_damage(text: str) -> bool:
    """Whether Pulumi's words say that a state, or what lies beside it, was cut off."""
    return any(words in text for words in _DAMAGE) and any(
        words in text for words in ("EOF", "unexpected end of JSON input", "missing version")
    )


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A file that holds a whole state.

    Attributes:
        file: Where it is.
        time: When Pulumi wrote it, in ISO 8601, UTC.
    """

    file: Path
    time: str


def parsed(text: str, version: int | None = None) -> Mapping[str, Any] | None:
    """Give the deployment in a checkpoint's text; None if that is not whole.

    Args:
        text: The checkpoint's.
        version: Of the format; None where any will do.
    """
    try:
        found = json.loads(text)
    except ValueError:
        return None
    if version is not None and isinstance(found, dict) and found.get("version") != version:
        return None
    inner = found.get("checkpoint") if isinstance(found, dict) else None
    latest = inner.get("latest") if isinstance(inner, dict) else None
    return cast("Mapping[str, Any]", latest) if isinstance(latest, dict) else None


def whose(deployment: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Name the projects and stacks that the resources of a deployment are of, by their URNs."""
    found = set()
    for resource in deployment.get("resources") or ():
        parts = str(resource.get("urn", "")).split("::")
        found.add((parts[1] if len(parts) > 1 else "", parts[0].removeprefix("urn:pulumi:")))
    return found


def plain_outputs(deployment: Mapping[str, Any]) -> dict[str, Any] | None:
    """Give a stack's outputs; None where some are no plain values: secrets, assets, resources."""
    for resource in deployment.get("resources") or ():
        if resource.get("type") == _ROOT:
            outputs = dict(resource.get("outputs") or {})
            return None if _SIGNATURE in json.dumps(outputs) else outputs
    return {}


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The files of one deployment's state.

    Attributes:
        folder: The backend's.
        project: Pulumi's project.
        stack: Pulumi's stack.
    """

    folder: Path
    project: str
    stack: str

    @property
    def file(self) -> Path:
        """The state itself."""
        return self._pulumi / "stacks" / self.project / f"{self.stack}.json"

    @property
    def _before(self) -> Path:
        return Path(f"{self.file}.bak")

    @property
    def _pulumi(self) -> Path:
        return self.folder / ".pulumi"

    def is_damaged(self) -> bool:
        """Whether there is a state that is not whole."""
        try:
            return parsed(self.file.read_text(encoding="utf-8", errors="replace")) is None
        except OSError:
            return False

    def is_absent(self) -> bool:
        """Whether there surely is no such state, in Pulumi's first layout of a folder neither."""
        stacks = self._pulumi / "stacks"
        files = (self.file, stacks / f"{self.stack}.json")
        try:
            return not any(
                Path(f"{file}{end}").exists() for file in files for end in ("", ".gz", ".attrs")
            )
        except OSError:
            return False

    def deployment(self) -> Mapping[str, Any] | None:
        """Read it as `pulumi stack export` would; None where that has to be asked itself.

        That has to be asked also where a killed engine cut off what lies beside the file: nobody
        would mend it here, and the engine reads "EOF" there in the midst of the next operation.
        """
        beside = (Path(f"{file}.attrs") for file in (self.file, self._pulumi / "meta.yaml"))
        if any(_text(file) is not None and not _is_json(file) for file in beside):
            return None
        text = _text(self.file)
        return parsed(text, VERSION) if text is not None else None

    def copy(self) -> Checkpoint | None:
        """Find the newest whole copy that is of this deployment.

        Whether the cloud has more than it knows is seen afterwards, as with every state.
        """
        kept = self._pulumi / "backups" / self.project / self.stack
        files: Iterable[Path] = [self._before, *kept.glob(f"{self.stack}.*.json")]
        found = []
        for file in files:
            with contextlib.suppress(OSError):
                deployment = parsed(file.read_text(encoding="utf-8", errors="replace"))
                if deployment is None or whose(deployment) - {(self.project, self.stack)}:
                    continue
                written = str((deployment.get("manifest") or {}).get("time", ""))
                found.append(Checkpoint(file, written))
        return max(found, key=lambda copy: copy.time, default=None)

    def texts(self) -> tuple[str | None, str | None]:
        """The state and Pulumi's copy of the one before it; None for what is not there."""
        return _text(self.file), _text(self._before)

    def overwritten(self, kept: tuple[str | None, str | None] | None) -> Mapping[str, Any] | None:
        """Give what a writing of the state has overwritten, if that is not what was there before.

        Args:
            kept: The `texts` before it.
        """
        copy = _text(self._before)
        if kept is None or copy is None or copy in kept:
            return None
        return parsed(copy)

    def begin(self, deployment: Mapping[str, Any] | None) -> None:
        """Write a new state into a folder of one's own, as Pulumi would.

        Args:
            deployment: What it holds; nothing, if None.
        """
        self.file.parent.mkdir(parents=True, exist_ok=True)
        checkpoint: dict[str, Any] = {"stack": f"organization/{self.project}/{self.stack}"}
        if deployment is not None:
            checkpoint["latest"] = deployment
        text = json.dumps({"version": VERSION, "checkpoint": checkpoint})
        (self._pulumi / "meta.yaml").write_text(_FORMAT, encoding="utf-8")
        self.file.write_text(text, encoding="utf-8")

    def locks(self) -> tuple[Lock, ...]:
        """Who holds the state, as the lock files say."""
        held = self._pulumi / "locks" / "organization" / self.project / self.stack
        found = []
        for file in held.glob("*.json"):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                told = json.loads(file.read_text(encoding="utf-8"))
                found.append(
                    Lock(
                        str(told["username"]),
                        str(told["hostname"]),
                        int(told["pid"]),
                        str(told.get("timestamp", "")),
                    )
                )
        return tuple(found)

    def take(self, copy: Checkpoint) -> Path:
        """Put a copy in the place of a damaged state.

        Returns:
            Where the damaged one is now.
        """
        aside = Path(f"{self.file}.damaged")
        draft = Path(f"{self.file}.{os.getpid()}.tmp")
        aside.write_bytes(self.file.read_bytes())
        draft.write_bytes(copy.file.read_bytes())
        draft.replace(self.file)
        # They tell of the file that is gone; without them a file is read as it is.
        Path(f"{self.file}.attrs").unlink(missing_ok=True)
        return aside

    def mend_beside(self) -> None:
        """Mend what lies beside the state: attributes, and the note of the folder's format."""
        for file in (self.file, self._pulumi / "meta.yaml"):
            remove_dead_sidecars([Path(f"{file}.attrs")])
        note = self._pulumi / "meta.yaml"
        # Projects have folders of their own in format 1, the only one that has such a note.
        if note.exists() and not note.read_text(encoding="utf-8").strip() and self.file.exists():
            note.write_text(_FORMAT, encoding="utf-8")


def remove_dead_sidecars(files: Iterable[Path]) -> None:
    """Remove files of attributes that a killed engine left incomplete.

    Pulumi would read "EOF" at them for ever; without them a file is read as it is.
    """
    for file in files:
        with contextlib.suppress(OSError):
            found = file.stat()
            is_whole = found.st_size > 0 and _is_json(file)
            if not is_whole and time.time() - found.st_mtime > _SIDECAR_IS_DEAD:
                file.unlink()


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _is_json(file: Path) -> bool:
    try:
        json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return True


def named(folder: Path, project: str) -> tuple[Checkpoints, ...]:
    """The states of a project in a folder, whole or not, by the names of their files."""
    files = (folder / ".pulumi" / "stacks" / project).glob("*.json")
    return tuple(Checkpoints(folder, project, file.stem) for file in sorted(files))
