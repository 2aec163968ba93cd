"""Which Git repository a file is in, read from its own files: no `git` has to be installed.

`git` itself would refuse where a container runs as somebody else than the checkout's owner, as jobs
of CI do.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from kitaru_iac.files import read_small
from kitaru_iac.patterns import compiled

__all__ = ["origin_of", "root_of"]

#: Bytes of a repository's configuration that are read.
_MOST_BYTES = 2**20
_SECTION = compiled(r"^\s*\[\s*(?P<name>[^\]]*?)\s*\]")
_URL = compiled(r"^\s*url\s*=\s*(?P<url>.*?)\s*$", re.IGNORECASE)
#: ``git@github.com:acme/stacks.git``, as SSH takes it.
_SCP = compiled(r"(?:[^@/:]+@)?(?P<host>[^/:]+):(?!//)(?P<path>.+)")


def root_of(path: Path) -> Path | None:
    """The folder with the repository that a file or folder is in; None where it is in none."""
    for folder in (path, *path.parents):
        if (folder / ".git").exists():
            return folder
    return None


def origin_of(root: Path) -> str | None:
    """What a repository is called wherever it is checked out: ``HOST/PATH`` of its origin.

    The same for each way to the same repository: SSH or HTTPS, with or without ``.git``; a login
    in the address is left out. None where it has no origin, or one on this machine.

    Args:
        root: The folder that holds ``.git``.
    """
    try:
        text = read_small(_configuration(root / ".git"), _MOST_BYTES).decode("utf-8")
    except (OSError, ValueError):
        return None
    section, url = "", None
    for line in text.splitlines():
        if found := _SECTION.match(line):
            section = found["name"]
        elif section == 'remote "origin"' and url is None and (said := _URL.match(line)):
            url = said["url"].strip('"')
    return None if url is None else _place(url)


def _configuration(git: Path) -> Path:
    """The configuration of a repository, of whose working trees one may be meant."""
    if git.is_dir():
        return git / "config"
    text = read_small(git, _MOST_BYTES).decode("utf-8").strip()
    folder = git.parent / text.removeprefix("gitdir:").strip()
    common = folder / "commondir"
    if common.is_file():
        folder = folder / read_small(common, _MOST_BYTES).decode("utf-8").strip()
    return folder / "config"


def _place(url: str) -> str | None:
    if "://" in url:
        try:
            parts = urlsplit(url)
            host, path, port = parts.hostname, parts.path, parts.port
        except ValueError:
            return None
        if parts.scheme == "file" or not host:
            return None
        # The usual ports of SSH and HTTPS differ, and mean the same repository.
        host = host if port in {None, 22, 80, 443} else f"{host}:{port}"
    elif found := _SCP.fullmatch(url):
        host, path = found["host"], found["path"]
    else:
        return None
    name = path.strip("/").removesuffix(".git").strip("/")
    return f"{host.lower()}/{name}" if name and host else None
