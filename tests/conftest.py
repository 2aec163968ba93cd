"""Fixtures for every test. No test sees the developer's own home, store, or cloud login."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from kitaru_iac.machine import ci
from tests.homes import FOREIGN, Home, empty_home, make_template, ready_home
from tests.servers.releases import CACHE
from tests.servers.zenml import ZenMLServer
from tests.warm import aws_models

pytest_plugins = [
    "tests.servers.fixtures",
    "tests.plugins.needs",
    "tests.plugins.sharing",
    "tests.plugins.shared_run",
    "tests.plugins.budgets",
    "tests.plugins.bytecode",
    "tests.plugins.heap",
    "tests.plugins.counted",
    "tests.plugins.quick",
]

# A shell's background job is deaf to Ctrl-C, and so would be every process that a test starts.
with contextlib.suppress(ValueError):
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Every session of boto3 in this process is a test's, or of the code that it tests.
aws_models.read_once()


def _forget_zenml() -> None:
    """Let ZenML read its configuration anew in this process."""
    from zenml.client import Client
    from zenml.config.global_config import GlobalConfiguration
    from zenml.utils import source_utils

    from tests.warm import databases, migrations

    migrations.read_once()
    databases.in_no_haste()
    configuration = GlobalConfiguration._global_config
    if configuration is not None:
        engine = getattr(configuration._zen_store, "_engine", None)
        if engine is not None:
            engine.dispose()
    GlobalConfiguration._reset_instance()
    Client._reset_instance()
    # A worker of pytest-xdist has no main file, and ZenML asks where the source is.
    source_utils.set_custom_source_root(str(Path.cwd()))


@pytest.fixture(scope="session")
def template_home() -> Home:
    """A home with a fresh local store, to be copied."""
    return make_template(CACHE)


_numbers = itertools.count()


@pytest.fixture(autouse=True)
def isolated(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """This process has an empty home, and nothing of the developer's environment."""
    before = set(os.environ)
    # Not tmp_path: most tests make no file, and a folder for each of thousands takes its time.
    nobody = tmp_path_factory.getbasetemp() / f"nobody-{next(_numbers)}"
    for key in list(os.environ):
        if key.startswith(FOREIGN) or key in ci.VARIABLES:
            monkeypatch.delenv(key)
    monkeypatch.setenv("HOME", str(nobody))
    monkeypatch.setenv("ZENML_ANALYTICS_OPT_IN", "false")
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(nobody / "zenml"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    yield
    # What a command in this process writes itself, as the address of a server for ZenML.
    for key in set(os.environ) - before:
        if key.startswith(FOREIGN):
            del os.environ[key]


def _enter(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in home.environment().items():
        if os.environ.get(key) != value:
            monkeypatch.setenv(key, value)
    monkeypatch.chdir(home.path)
    _forget_zenml()


@pytest.fixture
def bare_home(tmp_path: Path) -> Home:
    """A home in which nothing was ever run."""
    return empty_home(tmp_path / "bare")


@pytest.fixture
def home(template_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """This process works on a fresh local store; so do commands run through the home."""
    copy = ready_home(template_home, tmp_path / "home")
    _enter(copy, monkeypatch)
    yield copy
    _forget_zenml()


@pytest.fixture
def server_home(
    empty_server: ZenMLServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Home]:
    """This process is a client of an empty ZenML server."""
    config = tmp_path / "client" / "zenml"
    env = empty_server.client_env(config)
    extra = {key: value for key, value in env.items() if key.startswith("ZENML_")}
    client = empty_home(tmp_path / "client", **extra)
    _enter(client, monkeypatch)
    yield client
    _forget_zenml()


@pytest.fixture(params=["sqlite", "server"])
def any_home(request: pytest.FixtureRequest) -> Home:
    """The same test on the local SQLite store and against a real ZenML server."""
    fixture: Home = request.getfixturevalue("home" if request.param == "sqlite" else "server_home")
    return fixture
