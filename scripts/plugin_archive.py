"""Write the archive of the Pulumi plugin that `pulumi plugin install` fetches.

python scripts/plugin_archive.py [--with-python VERSION] [--extras NAME,...] [--to FOLDER]
"""

from __future__ import annotations

import argparse
import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from kitaru_iac._version import __version__

ROOT = Path(__file__).parents[1]
PLUGIN = "pulumi-resource-kitaru"
#: The words of Pulumi's archives for what Python says of a machine.
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}

#: Without `site`, so that no package of the machine is taken for one of ours.
LAUNCHER = """#!/bin/sh
# Starts the plugin with the packages beside it, by the Python beside it or one of the same version.
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd -P)
for python in "$here/python/bin/python3" python{minor} python3 python; do
  if "$python" -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "{minor}")' \\
    2>/dev/null; then
    exec "$python" -I -S -c 'import site, sys
site.addsitedir(sys.argv.pop(1))
from kitaru_iac.pulumi.plugin.main import main
main()' "$here/lib" "$@"
  fi
done
echo "{plugin}: its packages are for Python {minor}, and there is none on PATH." >&2
echo "Install Python {minor}, or an archive that was built --with-python." >&2
exit 1
"""


def name() -> str:
    """What Pulumi calls the archive of this version for this system."""
    architecture = _ARCHITECTURES.get(platform.machine().lower())
    if architecture is None:
        raise SystemExit(f"plugin-archive: Pulumi has no word for {platform.machine()}")
    return f"{PLUGIN}-v{__version__}-{platform.system().lower()}-{architecture}.tar.gz"


def write(target: Path, packages: Path, minor: str, python: Path | None = None) -> None:
    """Write an archive.

    Args:
        target: The file.
        packages: The folder with the plugin and all that it imports.
        minor: The version of Python that they are for, as ``3.12``.
        python: A Python that can be moved; None where the machine's own is used.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        launcher = Path(temporary, PLUGIN)
        launcher.write_text(LAUNCHER.format(minor=minor, plugin=PLUGIN), encoding="utf-8")
        launcher.chmod(0o755)
        with tarfile.open(target, "w:gz", compresslevel=6) as archive:
            archive.add(launcher, PLUGIN)
            archive.add(packages, "lib")
            if python is not None:
                archive.add(python, "python")


def committed(into: Path, root: Path = ROOT) -> Path:
    """Lay out what is committed: nothing else of this machine goes into a release.

    Returns:
        Where it is; the folder itself, where it is no repository of Git.
    """
    if not (root / ".git").exists():
        return root
    if _git(root, "status", "--porcelain"):
        print(
            "plugin-archive: of HEAD, without the changes that are not committed", file=sys.stderr
        )
    with tarfile.open(fileobj=io.BytesIO(_git(root, "archive", "HEAD"))) as archive:
        archive.extractall(into, filter="data")
    return into


def _git(root: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=root, stdout=subprocess.PIPE, check=True).stdout


def _install(into: Path, extras: str, interpreter: Path, source: Path) -> None:
    """Install the package with the locked versions of what it needs."""
    wanted = [word for extra in filter(None, extras.split(",")) for word in ("--extra", extra)]
    with tempfile.TemporaryDirectory() as temporary:
        lock = Path(temporary, "requirements.txt")
        _uv("pip", "compile", "--quiet", "--python", str(interpreter), *wanted, "--generate-hashes",
            "--constraints", str(source / "requirements.lock"), "--no-annotate", "--no-header",
            str(source / "pyproject.toml"), "--output-file", str(lock))  # fmt: skip
        target = ["--python", str(interpreter), "--target", str(into)]
        _uv("pip", "install", "--quiet", *target, "--compile-bytecode", "--require-hashes",
            "--requirement", str(lock))  # fmt: skip
        _uv("pip", "install", "--quiet", *target, "--compile-bytecode", "--no-deps", str(source))


def _python(version: str, into: Path) -> Path:
    """A Python of uv's own releases, which can be moved."""
    _uv("python", "install", "--quiet", version, "--install-dir", str(into))
    (found,) = [path for path in into.iterdir() if path.is_dir() and not path.is_symlink()
                and path.name.startswith("cpython-")]  # fmt: skip
    return found


def _uv(*arguments: str) -> None:
    uv = os.environ.get("UV") or shutil.which("uv") or "uv"
    done = subprocess.run([uv, *arguments], check=False)
    if done.returncode:
        raise SystemExit(f"plugin-archive: `uv {arguments[0]} {arguments[1]}` failed: see above")


def main(arguments: list[str]) -> None:
    """Write the archive, and say where it is."""
    parser = argparse.ArgumentParser(prog="plugin-archive", description=__doc__.splitlines()[0])
    parser.add_argument("--with-python", metavar="VERSION", help="put this Python into it")
    parser.add_argument("--extras", default="", help="the clouds whose packages it has")
    parser.add_argument("--to", type=Path, default=ROOT / "dist", help="the folder")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="plugin-archive-") as temporary:
        python = interpreter = None
        if given.with_python:
            python = _python(given.with_python, Path(temporary, "python"))
            interpreter = python / "bin" / "python3"
        interpreter = interpreter or Path(sys.executable)
        minor = subprocess.run(
            [str(interpreter), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        packages = Path(temporary, "lib")
        _install(packages, given.extras, interpreter, committed(Path(temporary, "source")))
        target = given.to / name()
        write(target, packages, minor, python)
    print(f"{target} ({target.stat().st_size // 1_000_000} MB)")


if __name__ == "__main__":
    main(sys.argv[1:])
