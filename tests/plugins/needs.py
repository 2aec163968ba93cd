"""What a test needs, as a marker: ``engine``, ``server``, ``clouds``, ``store``, ``kubernetes``.

Most tests need it through a fixture, which is where the marker comes from. The engine is on PATH
for tests that are marked, and for no others; it is built when a chosen test needs it and there is
none, beside the tests that do not. So is the API server of Kubernetes.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.servers.releases import CACHE, OLDER
from tests.warm.client import run_folder

FIXTURES = {
    "home": "store",
    "any_home": "store",
    "pulumi_home": "engine",
    "engine_room": "engine",
    "languages": "engine",
    "zenml_server": "server",
    "zenml_server_implicit": "server",
    "zenml_releases": "server",
    "any_release": "server",
    "clouds": "clouds",
    "loopback_aws": "clouds",
    "loopback": "clouds",
    "kubernetes_programs": "kubernetes",
}
#: Tests that are shared out one by one.
_LONG = ("engine", "server", "store", "slow", "clouds")
#: Parameters of a fixture that bring another one.
PARAMETERS = {("any_home", "server"): "server", ("gateway", "server"): "server"}

#: The file in the run's folder that says of each test: ``server``, ``releases``, ``long`` or
#: ``light``.
KINDS = "kinds.json"
_TOOLS = Path(__file__).parents[2] / "tools"
_TOOL = _TOOLS / "pulumi-engine"
_KUBERNETES = _TOOLS / "kubernetes-api"
#: Set by the first process of a run, so that all workers order the tests alike.
_READY = "TESTS_ENGINE_READY"


def pytest_configure(config: pytest.Config) -> None:
    if _READY not in os.environ:
        command = [sys.executable, _TOOL, "--if-there"]
        looked = subprocess.run(command, capture_output=True, check=False)
        os.environ[_READY] = "yes" if looked.returncode == 0 else "no"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for marker in sorted(_needs(item)):
            item.add_marker(marker)
    # The long ones first; but not while they would wait for the engine to be built.
    ready = os.environ[_READY] == "yes"
    items.sort(
        key=lambda item: (
            item.get_closest_marker("kubernetes") is not None,
            (item.get_closest_marker("engine") is None) == ready,
        )
    )


def _kind(item: pytest.Item) -> str:
    if _releases(item):
        return "releases"
    if item.get_closest_marker("server"):
        return "server"
    return "long" if any(map(item.get_closest_marker, _LONG)) else "light"


def _releases(item: pytest.Item) -> set[str]:
    """The older releases of ZenML whose servers a test asks for: they are parameters."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    return {value for value in parameters.values() if isinstance(value, str)}.intersection(OLDER)


def _needs(item: pytest.Item) -> set[str]:
    found = {FIXTURES[name] for name in getattr(item, "fixturenames", ()) if name in FIXTURES}
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    found |= {need for pair, need in PARAMETERS.items() if pair in parameters.items()}
    if _releases(item):
        found.add("server")
    return found - {marker.name for marker in item.iter_markers()}


@pytest.hookimpl(tryfirst=True)  # before xdist tells the main process what was collected
def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin to build, in one of the workers, what any test will ask for and is not there."""
    worker = getattr(session.config, "workerinput", {}).get("workerid", "gw0")
    if worker == "gw0":
        kinds = {item.nodeid: _kind(item) for item in session.items}
        (run_folder() / KINDS).write_text(json.dumps(kinds))
    if worker != "gw0" or session.config.option.collectonly:
        return
    if releases := sorted(set().union(*map(_releases, session.items))):
        _in_background("releases", ["-m", "tests.servers.releases", str(CACHE), *releases])
    builds = []
    if os.environ[_READY] != "yes" and any(map(_is_for("engine"), session.items)):
        builds.append([str(_TOOL)])
    if any("languages" in getattr(item, "fixturenames", ()) for item in session.items):
        builds.append(["-m", "tests.pulumi.languages.building"])
    if any(map(_is_for("kubernetes"), session.items)):
        builds.append([str(_KUBERNETES)])
    if builds:
        # One after the other: each alone keeps all cores busy.
        _in_background("builds", *builds)


def _is_for(marker: str) -> Callable[[pytest.Item], bool]:
    return lambda item: item.get_closest_marker(marker) is not None


def _in_background(name: str, *runs: list[str]) -> None:
    """Run Python beside the tests; whoever needs what it makes waits for its lock."""
    script = "; ".join(shlex.join([sys.executable, *arguments]) for arguments in runs)
    with (run_folder() / f"{name}.log").open("wb") as log:
        command = ["nice", "sh", "-c", script]
        subprocess.Popen(command, cwd=_TOOL.parents[1], stdout=log, stderr=log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    if item.get_closest_marker("kubernetes") is not None:
        _made("API server of Kubernetes", _KUBERNETES)  # outside of the test's own time
    if item.get_closest_marker("engine") is None:
        return (yield)
    # An engine lives for a second: to collect its garbage is a sixth of what its start takes.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", _engine(), prepend=os.pathsep)
        patch.setenv("GOGC", "400")
        return (yield)


def _engine() -> str:
    """The folder of the engine; waits until it is built."""
    return _made("Pulumi engine", _TOOL)


@cache
def _made(what: str, tool: Path) -> str:
    """The folder that a tool prints; waits until what is in it is built."""
    looked = subprocess.run([sys.executable, tool], stdout=subprocess.PIPE, text=True, check=False)
    if looked.returncode:
        pytest.exit(f"there is no {what}, and it cannot be built: see above", 1)
    return looked.stdout.strip()


@pytest.fixture(scope="session")
def kubernetes_programs() -> Path:
    """The folder of a kube-apiserver and an etcd."""
    return Path(_made("API server of Kubernetes", _KUBERNETES))
