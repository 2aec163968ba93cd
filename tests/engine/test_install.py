"""Installing the engine and its plugins; nothing is downloaded here."""

from __future__ import annotations

import subprocess
import urllib.error
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from pulumi.automation import PulumiCommand

from kitaru_iac.engine import install
from kitaru_iac.engine.command import EngineCommand
from kitaru_iac.engine.errors import EngineNotInstalled, PluginMissing
from kitaru_iac.engine.find import EngineNotFound, EngineTooOld, FoundEngine, Version
from kitaru_iac.engine.install import ensure_engine, ensure_plugin
from kitaru_iac.errors import MissingPackages
from kitaru_iac.machine.home import engine_home


@pytest.fixture(autouse=True)
def no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path / "config"))


def engine_at(path: Path, version: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho v{version}\n")
    path.chmod(0o755)
    return path


def test_nothing_is_installed_without_consent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PulumiCommand, "install", lambda **_: pytest.fail("downloaded"))
    questions: list[str] = []

    def no(question: str) -> bool:
        questions.append(question)
        return False

    with pytest.raises(EngineNotFound):
        ensure_engine()
    with pytest.raises(EngineNotFound):
        ensure_engine(no)
    assert "get.pulumi.com" in questions[0]
    assert str(engine_home()) in questions[0]


def test_with_consent_it_is_installed_below_the_configuration_home(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fake(root: str) -> None:
        engine_at(Path(root, "bin", "pulumi"), "3.272.0")

    monkeypatch.setattr(PulumiCommand, "install", fake)
    said: list[str] = []
    engine = ensure_engine(lambda _: True, progress=said.append)
    assert engine.version == Version(3, 272, 0)
    assert engine.path.is_relative_to(engine_home())
    assert said[0].startswith("Installing the Pulumi engine")
    assert ensure_engine() == engine, "and found the next time"


def test_an_old_engine_is_replaced_only_if_nobody_chose_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = engine_at(tmp_path / "pulumi", "3.100.0")
    monkeypatch.setenv("KITARU_PULUMI", str(old))
    with pytest.raises(EngineTooOld):
        ensure_engine(lambda _: pytest.fail("asked"))


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        (urllib.error.URLError("Name or service not known"), "Name or service not known"),
        (subprocess.CalledProcessError(1, "sh", output=b"a\ncurl: no route\n"), "curl: no route"),
    ],
)
def test_offline_is_one_clear_line(
    failure: Exception, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(root: str) -> None:
        raise failure

    monkeypatch.setattr(PulumiCommand, "install", fail)
    with pytest.raises(EngineNotInstalled, match="could not be installed") as told:
        ensure_engine(lambda _: True)
    assert told.value.why == f"get.pulumi.com: {why}"
    assert "KITARU_PULUMI" in str(told.value.remedy)
    assert not list(engine_home().glob("*"))


def command() -> EngineCommand:
    return EngineCommand(FoundEngine(Path("/engine/bin/pulumi"), Version(3, 272, 0)))


def test_a_plugin_that_is_there_is_not_installed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[list[str]] = []

    def run(self: EngineCommand, args: list[str], *_: Any) -> None:
        ran.append(args)

    monkeypatch.setattr(EngineCommand, "run", run)
    home = tmp_path / "pulumi-home"
    environment = {"PULUMI_HOME": str(home)}
    said: list[str] = []
    ensure_plugin(command(), "aws", "7.1.0", environment, tmp_path, progress=said.append)
    assert ran == [["plugin", "install", "resource", "aws", "v7.1.0"]]
    assert "Installing the Pulumi plugin aws 7.1.0" in said[0]
    (home / "plugins" / "resource-aws-v7.1.0").mkdir(parents=True)
    ensure_plugin(command(), "aws", "7.1.0", environment, tmp_path)
    assert len(ran) == 1
    (home / "plugins" / "resource-aws-v7.1.0.partial").touch()
    ensure_plugin(command(), "aws", "7.1.0", environment, tmp_path)
    assert len(ran) == 2, "a download that was cut off is done again"


def test_a_plugin_that_cannot_be_had_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = engine_at(tmp_path / "bin" / "pulumi", "3.272.0")
    failing.write_text("#!/bin/sh\necho 'error: dial tcp: lookup get.pulumi.com' >&2\nexit 1\n")
    broken = EngineCommand(FoundEngine(failing, Version(3, 272, 0)))
    with pytest.raises(PluginMissing) as told:
        ensure_plugin(broken, "aws", "7.1.0", {"PULUMI_HOME": str(tmp_path)}, tmp_path)
    assert "dial tcp" in str(told.value.why)
    assert "pulumi plugin install resource aws v7.1.0" in str(told.value)


def test_installing_does_not_need_the_module_at_import() -> None:
    assert not hasattr(install, "PulumiCommand")


def test_an_engine_without_its_sdk_is_told_as_missing_packages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def absent(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    asked: list[str] = []
    with pytest.raises(MissingPackages, match="Python SDK") as refused:
        ensure_engine(lambda question: bool(asked.append(question)))
    assert "pip install" in str(refused.value.remedy)
    assert asked == []
