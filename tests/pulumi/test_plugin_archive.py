"""What `pulumi plugin install` fetches starts where it was unpacked, with no step by hand."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pulumi
import pytest

import kitaru_iac
import kitaru_iac.pulumi as kitaru
from kitaru_iac.pulumi.plugin.package import download_url
from tests.docs.markdown import ROOT
from tests.homes import Home
from tests.pulumi.languages.building import Languages
from tests.pulumi.room import Room
from tests.pulumi.test_languages import go_caches, project_in

__all__ = ["go_caches"]

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
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
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


class Fetching(Room):
    """A room whose engine may fetch plugins; the package's releases are on loopback."""

    releases: str

    @property
    def env(self) -> dict[str, str]:
        ours = re.escape(download_url())
        return {
            **super().env,
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "false",
            "PULUMI_PLUGIN_DOWNLOAD_URL_OVERRIDES": f"^{ours}$={self.releases}",
            "NO_PROXY": "127.0.0.1",
        }


@pytest.fixture
def fetching(
    plugin_archive: ModuleType,
    packages: Path,
    served: tuple[Path, str],
    home: Home,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Fetching:
    """Such a room, without the plugin."""
    del home
    folder, address = served
    plugin_archive.write(folder / plugin_archive.name(), packages, MINOR)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "fresh"))
    room = Fetching(tmp_path / "project", project="kitaru-stacks")
    room.releases = address
    return room


@pytest.mark.engine
def test_the_engine_fetches_it_from_where_the_classes_of_this_package_say(
    fetching: Fetching,
) -> None:
    def program() -> None:
        stack = kitaru.Stack("dev", opts=pulumi.ResourceOptions(provider=kitaru.Provider("here")))
        kitaru.verify_output(name=stack.name, allow_failures=True)

    assert fetching.preview(program).ops == {"dev": "create"}
    assert kitaru_plugins() == {f"resource-kitaru-v{kitaru_iac.__version__}"}


@pytest.mark.timeout(1800)  # where the hosts and SDKs are not in the cache yet
@pytest.mark.parametrize("language", ["node", "go"])
def test_the_engine_fetches_it_from_where_an_sdk_says(
    language: str,
    fetching: Fetching,
    languages: Languages,
    go_caches: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in go_caches.items():
        monkeypatch.setenv(name, value)
    first = os.pathsep.join(map(str, languages.path))
    monkeypatch.setenv("PATH", f"{first}{os.pathsep}{os.environ['PATH']}")
    project_in(fetching, language, languages)
    for command in ("stack init prod", "preview"):
        done = fetching.pulumi(*command.split())
        assert done.returncode == 0, done.stdout + done.stderr
    assert kitaru_plugins() == {f"resource-kitaru-v{kitaru_iac.__version__}"}


def kitaru_plugins() -> set[str]:
    """What the engine has fetched, without its locks."""
    plugins = Path(os.environ["PULUMI_HOME"]) / "plugins"
    return {path.name for path in plugins.glob("*kitaru*") if path.is_dir()}


def test_the_engine_has_the_schema_from_a_local_path(local_room: Room, pulumi_home: Path) -> None:
    (program,) = pulumi_home.glob("plugins/*/pulumi-resource-kitaru")
    done = local_room.pulumi("package", "get-schema", str(program))
    assert done.returncode == 0, done.stderr
    found, written = json.loads(done.stdout), ROOT / "plugin" / "schema.json"
    assert found["resources"].keys() == json.loads(written.read_text())["resources"].keys()
    assert found["pluginDownloadURL"] == download_url()


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
