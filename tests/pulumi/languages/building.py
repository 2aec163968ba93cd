"""Programs in other languages, compiled with the SDKs that are generated from the schema.

All of it is made once for each schema, and kept in the tests' cache: the SDKs, Pulumi's language
hosts, the programs of this folder and the examples of the schema. That it can be made is a test.

    python -m tests.pulumi.languages.building
"""

from __future__ import annotations

import hashlib
import inspect
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from kitaru_iac._version import __version__
from kitaru_iac.pulumi.plugin import package
from tests.clouds.aws.judge.node import _alone, node_of
from tests.servers.releases import CACHE

__all__ = ["Languages", "built", "examples"]

_HERE = Path(__file__).parent
_TOOLS = Path(__file__).parents[3] / "tools"
#: What the compilers see: this is called before a test has a home of its own, and inside of one.
_ENVIRON = dict(os.environ)
_GO_MOD = """module github.com/zenml-io/kitaru-iac/sdk/go/kitaru

go 1.26.0

require (
	github.com/blang/semver v3.5.1+incompatible
	github.com/pulumi/pulumi/sdk/v3 {sdk}
)
"""


@dataclass(frozen=True, slots=True)
class Languages:
    """What the programs need to run.

    Attributes:
        path: Folders that come first on PATH: the engine with its hosts, and Node.
        folders: The folder of each language, ``node``, ``go``, ``yaml`` and ``python``, with the
            program; the SDK in Python is in the last one. ``dotnet`` has the SDK alone.
    """

    path: tuple[Path, ...]
    folders: Mapping[str, Path]


def built(cache: Path = CACHE) -> Languages:
    """Everything, made where it is not there.

    Raises:
        RuntimeError: Something of it does not compile; ends with what the compiler said.
    """
    sdks, hosts = _tool("pulumi-sdks"), _tool("pulumi-hosts")
    node, npm = node_of(cache)
    make: Mapping[str, Callable[[Path], None]] = {
        "yaml": lambda _: None,
        "go": lambda folder: _go(folder, sdks / "go" / "kitaru"),
        "node": lambda folder: _typescript(folder, sdks / "nodejs", _modules(cache, npm), node),
        "python": lambda folder: _python(folder, sdks / "python"),
    }
    folders = {}
    for name, compile_in in make.items():
        folders[name] = cache / f"sdk-{name}-{_digest(_sources(name, sdks))[:12]}"
        with _alone(folders[name]):
            if not (folders[name] / "ready").exists():
                shutil.rmtree(folders[name], ignore_errors=True)  # of a run that was killed
                shutil.copytree(_HERE / name, folders[name])
                compile_in(folders[name])
                (folders[name] / "ready").touch()
    return Languages((hosts, Path(node).parent), {**folders, "dotnet": sdks / "dotnet"})


def examples(language: str) -> Iterator[tuple[str, str]]:
    """The examples of the schema in a language, as the name of each and its text."""
    for token, name in package.EXAMPLES.items():
        text = package.with_examples(token, "")
        (found,) = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        yield name, found


def _typescript(place: Path, sdk: Path, modules: Path, node: str) -> None:
    """Compile the SDK as its own settings say, then what uses it, strictly."""
    ours = place / "node_modules"
    ours.mkdir()
    for module in modules.iterdir():
        (ours / module.name).symlink_to(module)
    tsc = [node, str(modules / "typescript" / "bin" / "tsc")]
    source = place / "sdk"
    shutil.copytree(sdk, source)
    _run([*tsc, "--project", "."], source)
    # What is published: the compiled files with their package.json.
    shutil.copy(source / "package.json", source / "bin")
    shutil.copytree(source / "bin", ours / "@zenml-io" / "kitaru")
    for name, text in examples("typescript"):
        (place / f"{name}.ts").write_text(text)
    _run([*tsc, "--project", "."], place)
    files = [f"{name}.ts" for name, _ in examples("typescript")]
    settings = ["--strict", "--noEmit", "--target", "es2020", "--module", "commonjs"]
    _run([*tsc, *settings, "--moduleResolution", "node", *files], place)


def _modules(cache: Path, npm: list[str]) -> Path:
    """Pulumi's SDK and the compiler from npm, as the lock says."""
    files = [_HERE / "node" / name for name in ("package.json", "package-lock.json")]
    place = cache / f"node-pulumi-{_digest(file.read_bytes() for file in files)[:12]}"
    with _alone(place):
        if not (place / "ready").exists():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            for file in files:
                shutil.copy(file, place)
            _run([*npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], place)
            (place / "ready").touch()
    return place / "node_modules"


def _go(place: Path, sdk: Path) -> None:
    """Vet the SDK, the examples and the program, and build the program."""
    shutil.copytree(sdk, place / "kitaru")
    (version,) = re.findall(r"pulumi/sdk/v3 (v\S+)", (place / "go.mod").read_text())
    (place / "kitaru" / "go.mod").write_text(_GO_MOD.format(sdk=version))
    for name, text in examples("go"):
        folder = place / "examples" / name
        folder.mkdir(parents=True)
        (folder / "main.go").write_text(text)
    for command in (
        ["go", "vet", "./...", "github.com/zenml-io/kitaru-iac/sdk/go/kitaru/..."],
        # As the language host builds it, which finds all but the program itself in Go's cache.
        ["go", "build", "-o", "program", "."],
    ):
        _run(command, place)


def _python(place: Path, sdk: Path) -> None:
    """Check strictly what uses the SDK, by the types that this one says."""
    shutil.copytree(sdk / "zenml_io_kitaru", place / "zenml_io_kitaru")
    # The SDK asks which version of itself is installed.
    metadata = place / f"zenml_io_kitaru-{__version__}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: zenml_io_kitaru\nVersion: {__version__}\n")
    for name, text in examples("python"):
        (place / f"{name.replace('-', '_')}_example.py").write_text(text)
    files = sorted(file.name for file in place.glob("*.py"))
    mypy = [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "--cache-dir", ".cache"]
    _run([*mypy, *files], place)


def _tool(name: str) -> Path:
    return Path(_run([sys.executable, str(_TOOLS / name)], _TOOLS.parent).strip())


def _sources(name: str, sdks: Path) -> Iterator[bytes]:
    """What the folder of a language is made from."""
    if name in _HOW:
        yield inspect.getsource(_HOW[name]).encode()
        yield (sdks / "built-from").read_bytes()
        examples = Path(package.__file__).parent / "examples"
        yield from (path.read_bytes() for path in sorted(examples.iterdir()))
    for path in sorted((_HERE / name).rglob("*")):
        if path.is_file() and path.parent.name != "__pycache__":
            yield path.read_bytes()


_HOW = {"node": _typescript, "go": _go, "python": _python}


def _digest(contents: Iterable[bytes]) -> str:
    return hashlib.sha256(b"".join(contents)).hexdigest()


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, env=_ENVIRON, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    print(*built().folders.values(), sep="\n")
