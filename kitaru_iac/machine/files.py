"""ZenML's files on this machine: read as they are, replaced in one step."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from kitaru_iac.machine.unreadable import UnreadableError

__all__ = ["parse_yaml", "read_yaml", "write_yaml"]


def read_yaml(path: Path) -> Mapping[str, Any]:
    """A YAML mapping from a file; empty when there is no file.

    Raises:
        UnreadableError: It cannot be read, or it is not a mapping.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UnreadableError(f"{path} cannot be read: {error}") from error
    return parse_yaml(text, path)


def parse_yaml(text: bytes, path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds; empty for an empty file.

    Raises:
        UnreadableError: It is no mapping. `path` is named in its text.
    """
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        content = yaml.load(text, Loader=loader)  # noqa: S506 - both are safe loaders
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UnreadableError(f"{path} is not YAML") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UnreadableError(f"{path} is not a mapping")
    return content


def write_yaml(path: Path, content: Mapping[str, Any], *, private: bool = False) -> None:
    """Put a mapping in a file's place: whoever reads it meanwhile sees the old or the new one.

    Args:
        path: The file, which need not be there. A link stays a link.
        content: Its new content.
        private: Whether only its owner may read it; else it keeps its mode.

    Raises:
        OSError: It cannot be written.
    """
    import yaml

    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    before: os.stat_result | None = None
    with suppress(FileNotFoundError):
        before = path.stat()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # for us alone
    new = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yaml.safe_dump(dict(content), file, sort_keys=True)
            file.flush()
            os.fsync(handle)
        if not private:
            new.chmod(stat.S_IMODE(before.st_mode) if before else 0o644 & ~_umask())
        if before is not None:
            with suppress(OSError):  # only root can; for everybody else the owner is the same
                os.chown(new, before.st_uid, before.st_gid)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
