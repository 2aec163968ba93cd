"""What is built once is built again only where it has to be, and never half."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.docs.markdown import ROOT

TOOLS = ROOT / "tools"


@pytest.fixture
def building(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    spec = importlib.util.spec_from_file_location("building", TOOLS / "building.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_is_made_once_for_each_key(building: ModuleType) -> None:
    made: list[str] = []

    def ask(key: str, *, fits: bool = True) -> str:
        def make(into: Path) -> None:
            made.append(key)
            (into / "program").write_text(key)

        place = building.cached("thing", key, make, lambda _: fits, what="a thing")
        return (place / "program").read_text()

    assert [ask("one"), ask("one"), ask("two"), ask("two")] == ["one", "one", "two", "two"]
    assert made == ["one", "two"]
    assert ask("two", fits=False) == "two"
    assert made == ["one", "two", "two"]


def test_what_could_not_be_made_leaves_what_was_there(building: ModuleType) -> None:
    def make(into: Path) -> None:
        (into / "program").write_text("whole")

    def fail(into: Path) -> None:
        (into / "program").write_text("half")
        building.stop("no compiler")

    building.cached("thing", "one", make, what="a thing")
    with pytest.raises(SystemExit):
        building.cached("thing", "two", fail, what="a thing")
    assert (building.cache() / "thing" / "program").read_text() == "whole"
    assert [path for path in building.cache().iterdir() if path.name.startswith("build-")] == []
    assert building.cached("thing", "one", fail, what="a thing") == building.cache() / "thing"


def test_the_generators_are_the_engines(building: ModuleType) -> None:
    pkg = "github.com/pulumi/pulumi/pkg/v3"
    versions = {building.required(TOOLS / name, pkg) for name in ("engine", "codegen")}
    assert len(versions) == 1


def test_a_module_that_does_not_say_a_version_is_told(
    building: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        building.required(TOOLS / "engine", "example.com/not/there")
    assert "does not require example.com/not/there" in capsys.readouterr().err


def test_a_language_that_cannot_be_generated_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import runpy

    monkeypatch.syspath_prepend(str(TOOLS))
    for arguments, text in (
        (["cobol"], "cobol: they are nodejs, python, go, dotnet, java"),
        (["java"], "pulumi-language-java is not here"),
    ):
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr(sys, "argv", ["pulumi-sdks", str(tmp_path / "sdk"), *arguments])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(TOOLS / "pulumi-sdks"), run_name="__main__")
        assert ended.value.code == 1
        assert re.search(re.escape(text), capsys.readouterr().err)
