from __future__ import annotations

from pathlib import Path

import click
import pytest

from kitaru_iac.errors import SettingsUnreadable
from kitaru_iac.machine.home import config_home


def test_the_default_is_that_of_zenml(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ZENML_CONFIG_PATH", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert config_home() == Path(click.get_app_dir("zenml"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config_home() == Path(click.get_app_dir("zenml")) == tmp_path / "zenml"


def test_our_variable_goes_before_that_of_zenml(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path / "theirs"))
    assert config_home() == tmp_path / "theirs"
    monkeypatch.setenv("KITARU_CONFIG_PATH", str(tmp_path / "ours"))
    assert config_home() == tmp_path / "ours"


def test_without_a_home_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("KITARU_CONFIG_PATH", "ZENML_CONFIG_PATH"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", "~nobody-has-this-name/x")
    with pytest.raises(SettingsUnreadable) as refused:
        config_home()
    assert "KITARU_CONFIG_PATH" in str(refused.value.remedy)
