"""Backends, passphrases and the environment of the engine."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kitaru_iac.engine.errors import BackendUnusable, PassphraseMissing
from kitaru_iac.engine.workspace import (
    Backend,
    default_backend,
    engine_environment,
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path / "config"))
    return tmp_path / "config"


def test_our_own_backend_has_a_generated_passphrase_for_its_owner_only(home: Path) -> None:
    told = engine_environment(default_backend())
    assert told["PULUMI_BACKEND_URL"] == (home / "kitaru" / "state").as_uri()
    assert (home / "kitaru" / "state").is_dir()
    file = Path(told["PULUMI_CONFIG_PASSPHRASE_FILE"])
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o077 == 0
    assert len(file.read_text()) >= 32
    first = file.read_text()
    assert engine_environment(default_backend()) == told
    assert file.read_text() == first
    assert [path.name for path in file.parent.iterdir() if path.is_file()] == ["passphrase"]
    assert "PULUMI_CONFIG_PASSPHRASE" not in os.environ


def test_runs_at_the_same_time_agree_on_one_passphrase() -> None:
    def read(_: int) -> str:
        file = engine_environment(default_backend())["PULUMI_CONFIG_PASSPHRASE_FILE"]
        return Path(file).read_text()

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(read, range(64)))) == 1


@pytest.mark.parametrize("name", ["PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"])
def test_a_given_passphrase_is_taken(
    name: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "given")
    told = engine_environment(default_backend())
    assert not {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"} & set(told)
    assert not (home / "kitaru" / "passphrase").exists()


def test_a_backend_of_the_users_wants_the_users_passphrase(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://team-state")
    assert default_backend() == Backend("s3://team-state")
    with pytest.raises(PassphraseMissing, match="lock out everybody else"):
        engine_environment(default_backend())
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "")  # none, on purpose
    assert engine_environment(default_backend())["PULUMI_BACKEND_URL"] == "s3://team-state"
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE")
    service = Backend("https://api.pulumi.com")
    assert engine_environment(service)["PULUMI_BACKEND_URL"] == "https://api.pulumi.com"


def test_our_own_is_known_by_its_url() -> None:
    assert Backend.at(default_backend().url).is_own
    assert not Backend.at("file:///elsewhere").is_own


def test_the_users_own_pulumi_home_is_used_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    told = engine_environment(default_backend())
    assert told["PULUMI_HOME"] == str(home / "pulumi" / "home")
    (tmp_path / ".pulumi").mkdir()
    assert "PULUMI_HOME" not in engine_environment(default_backend())
    monkeypatch.setenv("PULUMI_HOME", "/theirs")
    assert "PULUMI_HOME" not in engine_environment(default_backend())


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("file:///home/me/state", "file:///home/me/state"),
        ("s3://bucket/a?region=eu-west-1&awssdk=v2", "s3://bucket/a?region=eu-west-1&awssdk=v2"),
        ("https://me:word@api.example/x", "https://api.example/x"),
        (
            "postgres://me:word@db.example:5432/x?sslmode=on",
            "postgres://db.example:5432/x?sslmode=on",
        ),
        ("azblob://c?storage_account=a&sas_token=word", "azblob://c?storage_account=a"),
        ("gs://bucket", "gs://bucket"),
    ],
)
def test_a_label_holds_no_secret(url: str, shown: str) -> None:
    assert Backend(url).label == shown
    assert Backend(shown).label == shown  # a record keeps it, and it is opened again


def test_what_a_killed_engine_left_beside_a_state_is_taken_away(home: Path) -> None:
    backend = default_backend()
    backend.prepare()
    stacks = home / "kitaru" / "state" / ".pulumi" / "stacks"
    stacks.mkdir(parents=True)
    old, new, whole = (stacks / f"{name}.json.attrs" for name in ("old", "new", "whole"))
    for file in (old, new):
        file.touch()
    whole.write_text("{}")
    os.utime(old, (time.time() - 60,) * 2)
    os.utime(whole, (time.time() - 60,) * 2)
    backend.prepare()
    assert [file.exists() for file in (old, new, whole)] == [False, True, True]


@pytest.mark.parametrize(
    "url", ["states", "/var/states", "ftp://host/states", "s3:/states", "s3://", "C:\\states"]
)
def test_a_url_that_pulumi_would_take_for_its_own_service_is_refused(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "x")
    monkeypatch.setenv("PULUMI_BACKEND_URL", url)
    with pytest.raises(BackendUnusable, match="none that Pulumi knows"):
        engine_environment(default_backend())


@pytest.mark.parametrize(
    ("url", "used"),
    [
        ("file:///states?metadata=skip", "file:///states"),
        ("file:///states?metadata=skip&no_tmp_dir=true", "file:///states?no_tmp_dir=true"),
        ("file:///states?no_tmp_dir=true", "file:///states?no_tmp_dir=true"),
        ("s3://states?metadata=skip", "s3://states?metadata=skip"),
    ],
)
def test_a_folder_is_never_used_without_its_attributes(
    url: str, used: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With them the locks of two runs keep each other out, without them they do not."""
    monkeypatch.setenv("PULUMI_BACKEND_URL", url)
    assert default_backend().url == used
