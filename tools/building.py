"""What the scripts of this folder share: programs that are built with Go, once, into the cache."""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NoReturn

SDK = "github.com/pulumi/pulumi/sdk/v3"
BUILT_FROM = "built-from"


def say(text: str) -> None:
    """Tell whoever waits."""
    print(f"{Path(sys.argv[0]).name}: {text}", file=sys.stderr, flush=True)


def stop(text: str) -> NoReturn:
    """End with an error."""
    say(text)
    raise SystemExit(1)


def required(module: Path, name: str) -> str:
    """The version of a module that a go.mod asks for, without its "v"."""
    found = re.search(
        rf"^\s*(?:require )?{re.escape(name)} v(\S+)",
        (module / "go.mod").read_text(),
        re.MULTILINE,
    )
    if not found:
        stop(f"{module / 'go.mod'} does not require {name}")
    return found[1]


def digest_of(files: Iterable[Path]) -> str:
    """One line that changes whenever one of the files does."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def go(module: Path, *arguments: str) -> str:
    """Run Go in a module, and give what it prints."""
    environment = os.environ | {"CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": "-buildvcs=false"}
    done = subprocess.run(
        ["go", *arguments], cwd=module, env=environment, stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        stop(f"`go {arguments[0]}` failed in {module}; Go's own message is above")
    return done.stdout.strip()


def build(module: Path, package: str, into: Path, version: str | None = None) -> None:
    """Build a program of a module.

    Args:
        module: Its folder.
        package: The program's.
        into: The file that it becomes.
        version: The one that it tells as its own, where it is one of Pulumi's.
    """
    say(f"building {into.name} {version or ''}".rstrip() + " with Go")
    stamp = f" -X {SDK}/go/common/version.Version=v{version}" if version else ""
    flags = ["-mod=readonly", "-trimpath", "-ldflags", f"-s -w{stamp}"]
    go(module, "build", *flags, "-o", str(into), package)


def cache() -> Path:
    """The folder of what is made once on a machine."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kitaru-iac"


def cached(
    name: str,
    key: str,
    make: Callable[[Path], None],
    fits: Callable[[Path], bool] = lambda _: True,
    *,
    what: str,
) -> Path:
    """A folder of the cache, made where it is not there or was made from something else.

    Args:
        name: What it is called.
        key: What it is made from, as one line.
        make: Fills an empty folder.
        fits: Whether what is there is still of use.
        what: What is made, for whoever waits.
    """
    place = cache() / name

    def is_there() -> bool:
        try:
            return (place / BUILT_FROM).read_text() == key and fits(place)
        except OSError:
            return False

    if is_there():
        return place
    cache().mkdir(parents=True, exist_ok=True)
    with _lock(cache() / f"{name}.lock"):
        if is_there():  # another run made it while this one waited
            return place
        say(f"making {what}, once")
        started = time.monotonic()
        with tempfile.TemporaryDirectory(dir=cache(), prefix="build-") as temporary:
            fresh = Path(temporary, "fresh")
            fresh.mkdir()
            make(fresh)
            (fresh / BUILT_FROM).write_text(key)
            if place.exists():
                place.rename(Path(temporary, "old"))
            fresh.rename(place)
        say(f"made in {time.monotonic() - started:.0f} s: {place}")
    return place


def needs_go(what: str) -> None:
    """End where there is no Go.

    Args:
        what: Why it is needed, and what would do instead.
    """
    if not shutil.which("go"):
        stop(f"Go is not on PATH (1.26 or newer, https://go.dev/doc/install). {what}")


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
