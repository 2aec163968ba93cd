"""What `pulumi plugin install` fetches starts where it was unpacked, with no step by hand."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest

import kitaru_iac
from tests.docs.markdown import ROOT
from tests.pulumi.room import Room

MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture(scope="module")
def plugin_archive() -> ModuleType:
    path = ROOT / "scripts" / "plugin_archive.py"
    spec = importlib.util.spec_from_file_location("plugin_archive", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """The packages of this environment, in the place of copies of them."""
    folder = tmp_path / "lib"
    folder.mkdir()
    places = [Path(kitaru_iac.__file__).parents[1], sysconfig.get_paths()["purelib"]]
    (folder / "here.pth").write_text("".join(f"{place}\n" for place in places))
    return folder


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and its address."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_pulumi_fetches_unpacks_and_starts_it(
    plugin_archive: ModuleType,
    packages: Path,
    served: tuple[Path, str],
    local_room: Room,
    tmp_path: Path,
) -> None:
    folder, address = served
    plugin_archive.write(folder / plugin_archive.name(), packages, MINOR)
    home = {"PULUMI_HOME": str(tmp_path / "fresh"), "NO_PROXY": "127.0.0.1"}
    version = kitaru_iac.__version__
    done = local_room.pulumi(
        *("plugin", "install", "resource", "kitaru", version, "--server", address), **home
    )
    assert done.returncode == 0, done.stderr
    done = local_room.pulumi("package", "get-schema", f"kitaru@{version}", **home)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["version"] == version


def test_without_its_python_it_says_which_one_it_needs(
    plugin_archive: ModuleType, packages: Path, tmp_path: Path
) -> None:
    target = tmp_path / "plugin.tar.gz"
    plugin_archive.write(target, packages, "3.5")
    subprocess.run(["tar", "-xzf", target, "-C", tmp_path], check=True)
    done = subprocess.run(
        [tmp_path / "pulumi-resource-kitaru", "127.0.0.1:9"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert "are for Python 3.5, and there is none on PATH" in done.stderr
    assert "Install Python 3.5, or an archive that was built --with-python." in done.stderr


def test_it_holds_what_is_committed_and_nothing_else(
    plugin_archive: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "repository"
    root.mkdir()
    assert plugin_archive.committed(tmp_path / "none", root) == root
    (root / "package.py").write_text("committed")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], cwd=root, check=True)
    plugin_archive.committed(tmp_path / "clean", root)
    assert capsys.readouterr().err == ""
    (root / "package.py").write_text("changed")
    (root / ".env").write_text("SECRET=x")
    found = plugin_archive.committed(tmp_path / "source", root)
    assert [(path.name, path.read_text()) for path in found.iterdir()] == [
        ("package.py", "committed")
    ]
    assert "without the changes that are not committed" in capsys.readouterr().err


def test_its_name_is_the_one_that_pulumi_asks_for(plugin_archive: ModuleType) -> None:
    start = f"pulumi-resource-kitaru-v{kitaru_iac.__version__}-"
    assert plugin_archive.name().removeprefix(start).endswith(("-amd64.tar.gz", "-arm64.tar.gz"))


def test_a_folder_of_the_repository_is_a_package_too() -> None:
    """`pulumi package add` of a git tag starts what `plugin/` holds."""
    import yaml

    about = yaml.safe_load((ROOT / "plugin" / "PulumiPlugin.yaml").read_text())
    assert about["runtime"]["name"] == "python"
    (requirement,) = [
        line
        for line in (ROOT / "plugin" / "requirements.txt").read_text().splitlines()
        if not line.startswith("#")
    ]
    assert (ROOT / "plugin" / requirement / "pyproject.toml").exists()
