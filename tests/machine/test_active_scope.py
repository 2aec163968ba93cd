"""What names the active stack, compared with what ZenML's client does in the same place."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from kitaru_iac.errors import SettingsDamaged
from kitaru_iac.gateway import Active, open_reader
from kitaru_iac.gateway.opening import fast_reader
from kitaru_iac.machine.active_scope import named_stack, repository
from tests.gateway.stores import forget_zenml
from tests.homes import Home


def a_repository(path: Path, stack: str | None, name: str = ".zen") -> Path:
    (path / name).mkdir(parents=True)
    config = {"active_project_id": None, "active_stack_id": stack}
    (path / name / "config.yaml").write_text(yaml.safe_dump(config))
    return path


def global_choice(home: Home, stack: str | None) -> None:
    path = home.config / "config.yaml"
    config = yaml.safe_load(path.read_text()) | {"active_stack_id": stack}
    path.write_text(yaml.safe_dump({k: v for k, v in config.items() if v}))


def fast_and_zenml() -> tuple[Active, str]:
    """The fast reader's answer, and the id that ZenML's client gives in the same place."""
    reader = fast_reader()
    active = reader.active()
    reader.close()
    from zenml.client import Client

    forget_zenml()
    return active, str(Client().active_stack_model.id)


@pytest.fixture
def ids(filled_home: Home) -> list[str]:
    reader = open_reader()
    found = [row.id for row in reader.stacks()]
    reader.close()
    return found


@pytest.fixture
def places(
    filled_home: Home, ids: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> dict[str, Callable[[], str]]:
    """Ways to stand somewhere; each gives the `source` that is expected."""
    monkeypatch.chdir(tmp_path)
    config = str(filled_home.config / "config.yaml")

    def globally() -> str:
        global_choice(filled_home, ids[1])
        return config

    def nowhere() -> str:
        global_choice(filled_home, None)
        return config

    def in_repository() -> str:
        root = a_repository(tmp_path / "r", ids[2])
        (root / "deep" / "er").mkdir(parents=True)
        monkeypatch.chdir(root / "deep" / "er")
        return str(root)

    def in_nested_repository() -> str:
        in_repository()
        root = a_repository(tmp_path / "r" / "deep" / "er" / "inner", ids[3])
        monkeypatch.chdir(root)
        return str(root)

    def in_linked_repository() -> str:
        root = a_repository(tmp_path / "real", ids[2])
        (tmp_path / "link").symlink_to(root)
        monkeypatch.chdir(tmp_path / "link")
        return str(root)

    def in_renamed_repository() -> str:
        # ZenML reads this variable when it is imported: it is compared by name only.
        root = a_repository(tmp_path / "r", ids[2], name=".zen")
        monkeypatch.setenv("ZENML_REPOSITORY_DIRECTORY_NAME", ".zen")
        monkeypatch.chdir(root)
        return str(root)

    def in_undecided_repository() -> str:
        global_choice(filled_home, ids[1])
        root = a_repository(tmp_path / "r", None)
        monkeypatch.chdir(root)
        return str(root)

    def in_stale_repository() -> str:
        root = a_repository(tmp_path / "r", "00000000-0000-4000-8000-000000000000")
        monkeypatch.chdir(root)
        return str(root)

    def at_named_repository() -> str:
        root = a_repository(tmp_path / "named", ids[4])
        in_repository()
        monkeypatch.setenv("ZENML_REPOSITORY_PATH", str(root))
        return str(root)

    def at_named_directory_without_one() -> str:
        in_repository()
        global_choice(filled_home, ids[1])
        monkeypatch.setenv("ZENML_REPOSITORY_PATH", str(tmp_path))
        return config

    def by_variable() -> str:
        in_repository()
        monkeypatch.setenv("ZENML_ACTIVE_STACK_ID", ids[5])
        return "ZENML_ACTIVE_STACK_ID"

    def by_variable_in_capitals() -> str:
        monkeypatch.setenv("ZENML_ACTIVE_STACK_ID", ids[5].upper())
        return "ZENML_ACTIVE_STACK_ID"

    def by_empty_variable() -> str:
        monkeypatch.setenv("ZENML_ACTIVE_STACK_ID", "")
        return globally()

    return {name: way for name, way in locals().items() if callable(way)}


@pytest.mark.parametrize(
    ("place", "scope"),
    [
        ("globally", "global"),
        ("nowhere", "default"),
        ("in_repository", "repository"),
        ("in_nested_repository", "repository"),
        ("in_linked_repository", "repository"),
        ("in_renamed_repository", "repository"),
        ("in_undecided_repository", "default"),
        ("in_stale_repository", "default"),
        ("at_named_repository", "repository"),
        ("at_named_directory_without_one", "global"),
        ("by_variable", "environment"),
        ("by_variable_in_capitals", "environment"),
        ("by_empty_variable", "global"),
    ],
)
def test_as_zenml_does(places: dict[str, Callable[[], str]], place: str, scope: str) -> None:
    source = places[place]()
    active, theirs = fast_and_zenml()
    assert active.id == theirs
    assert (active.scope, active.source) == (scope, source)


def test_another_name_for_the_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = a_repository(tmp_path / "r", None, name=".other")
    monkeypatch.chdir(root)
    assert repository({}) is None
    assert repository({"ZENML_REPOSITORY_DIRECTORY_NAME": ".other"}) == root.resolve()


def test_a_directory_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert repository(os.environ) is None


def test_a_repository_whose_file_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = a_repository(tmp_path / "r", None)
    (root / ".zen" / "config.yaml").write_text("{")
    monkeypatch.chdir(root)
    with pytest.raises(SettingsDamaged):
        named_stack({}, {})
