from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib import metadata
from pathlib import Path

import pytest

from kitaru_iac import doctor
from kitaru_iac.doctor import Finding, examine
from kitaru_iac.errors import NotConnectedError
from kitaru_iac.machine import packages
from kitaru_iac.machine.home import config_home, engine_home
from kitaru_iac.machine.local_database import FLAVORS
from kitaru_iac.machine.packages import install_command


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine with an engine and nothing else. Servers answer."""
    monkeypatch.setattr("kitaru_iac.gateway.http.require_answer", lambda *_, **__: "0.98.0")
    for name in ("KITARU_CONFIG_PATH", "ZENML_STORE_URL", "KITARU_PULUMI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path / "config"))
    (tmp_path / "config").mkdir()
    (tmp_path / "bin").mkdir()
    engine(tmp_path / "bin", "v3.200.0")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    yield tmp_path / "config"
    packages.forget()


def engine(directory: Path, says: str) -> Path:
    program = directory / "pulumi"
    program.write_text(f"#!/bin/sh\necho {says}\n")
    program.chmod(0o755)
    return program


def finding(id: str) -> Finding:
    return next(f for f in examine() if f.id == id)


# The configuration directory


def test_the_directory_is_zenmls(monkeypatch: pytest.MonkeyPatch) -> None:
    from zenml.utils.io_utils import get_global_config_directory

    assert str(config_home()) == get_global_config_directory()
    monkeypatch.delenv("ZENML_CONFIG_PATH")
    assert str(config_home()) == get_global_config_directory()
    monkeypatch.setenv("ZENML_CONFIG_PATH", "")
    assert str(config_home()) == get_global_config_directory()
    monkeypatch.setenv("ZENML_CONFIG_PATH", "relative")
    assert str(config_home()) == get_global_config_directory()


def test_ours_overrides_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KITARU_CONFIG_PATH", str(tmp_path / "ours"))
    assert config_home() == tmp_path / "ours"
    assert engine_home() == tmp_path / "ours" / "pulumi"
    assert finding("zenml.config").detail == (
        f"{tmp_path / 'ours'} (from KITARU_CONFIG_PATH, not created yet)"
    )


# The store


NOT_ASKED = ", not asked: only ZenML knows the way"
LOGIN_IN_URL = (
    "The URL holds a user or a password. ZenML servers take an API key, and a URL ends up in logs"
)


def test_no_configuration_is_the_local_store() -> None:
    found = finding("zenml.store")
    assert (found.status, found.detail.partition(" ")[0]) == ("ok", "local")


@pytest.mark.parametrize(
    ("url", "detail"),
    [
        ("sqlite:////home/me@x/zenml.db", "local (SQLite): sqlite:////home/me@x/zenml.db"),
        ("https://zenml.example.com", "server: https://zenml.example.com, ZenML 0.98.0"),
        (
            "https://zenml.example.com/a?t=S3CRET",
            "server: https://zenml.example.com/a, ZenML 0.98.0",
        ),
        (
            "https://u:S3CRET@zenml.example.com/a?t=S3CRET",
            LOGIN_IN_URL,
        ),
        ("mysql://u:S3CRET@db:3306/zenml", "database (mysql): mysql://db:3306/zenml" + NOT_ASKED),
        ("mysql://u:S3@C/RET@db/zenml", "database (mysql): mysql://db/zenml" + NOT_ASKED),
        ("mysql://u:S?3@CRET@db/zenml", "database (mysql): mysql://…" + NOT_ASKED),
        ("mysql://db/zenml?password=a@S3CRET", "database (mysql): mysql://…" + NOT_ASKED),
        ("mysql://u:S3CRET@[::1/zenml", "database (mysql): mysql://…" + NOT_ASKED),
        ("S3CRET", "what is configured is not the URL of a store"),
    ],
)
@pytest.mark.parametrize("place", ["file", "environment"])
def test_a_store_is_shown_without_its_secrets(
    home: Path, monkeypatch: pytest.MonkeyPatch, url: str, detail: str, place: str
) -> None:
    if place == "file":
        kind = "rest" if url.startswith("http") else "sql"
        store = {"type": kind, "url": url, "password": "S3CRET"}
        (home / "config.yaml").write_text(json.dumps({"store": store}))
    else:
        monkeypatch.setenv("ZENML_STORE_URL", url)
        if url == "S3CRET":  # an address that nobody can use is refused with its variable's name
            detail = "ZENML_STORE_URL is not the address of a store"
    findings = examine()
    assert next(f for f in findings if f.id == "zenml.store").detail == detail
    assert "CRET" not in str(findings)


@pytest.mark.parametrize(
    "text", ["store: {password: S3CRET", "store: !S3CRET x", "a: b\n c: 'S3CRET", "\x00S3CRET"]
)
def test_a_broken_file_is_unknown_and_not_quoted(home: Path, text: str) -> None:
    (home / "config.yaml").write_text(text)
    found = finding("zenml.store")
    assert found.status == "unknown"
    assert str(home / "config.yaml") in found.detail
    assert "S3CRET" not in str(found)


@pytest.mark.parametrize("text", ["", "[]", "store: null", "store: text", "other: 1", "{}"])
@pytest.mark.parametrize("place", ["file", "environment"])
def test_a_file_that_does_not_tell_the_store_is_unknown(
    home: Path, monkeypatch: pytest.MonkeyPatch, text: str, place: str
) -> None:
    (home / "config.yaml").write_text(text)
    if place == "environment":
        monkeypatch.setenv("ZENML_STORE_URL", "https://zenml.example.com")
    found = finding("zenml.store")
    assert found.status == "unknown"
    assert f"rm {home / 'config.yaml'}" in str(found.remedy)


@pytest.mark.parametrize(
    ("kind", "url"), [("sql", "http://zenml.example.com"), ("rest", "sqlite:////home/me/zenml.db")]
)
def test_an_address_of_another_kind_than_its_store_is_told(home: Path, kind: str, url: str) -> None:
    (home / "config.yaml").write_text(json.dumps({"store": {"type": kind, "url": url}}))
    found = finding("zenml.store")
    assert found.status == "unknown"
    assert f"`store` is of the type {kind}, and its `url` is not the address" in found.detail
    assert f"rm {home / 'config.yaml'}" in str(found.remedy)


@pytest.mark.parametrize(
    ("version", "status", "words"),
    [
        ("0.85.0", "ok", ", ZenML 0.85.0"),
        ("0.84.3", "warn", "runs ZenML 0.84.3, which is too old. kitaru works with servers from"),
        ("0.99.0", "warn", "runs ZenML 0.99.0. kitaru is tested with servers up to 0.98"),
        ("\x1b[2J", "warn", "'\\x1b[2J'"),
        (None, "unknown", f"server: https://zenml.example.com{NOT_ASKED}"),
        (NotConnectedError("Nobody is there", why="Asleep"), "warn", ": Nobody is there. Asleep"),
    ],
    ids=str,
)
def test_a_server_says_its_version_and_what_follows(
    monkeypatch: pytest.MonkeyPatch, version: object, status: str, words: str
) -> None:
    def answer(*_: object, **__: object) -> object:
        if isinstance(version, Exception):
            raise version
        return version

    monkeypatch.setattr("kitaru_iac.gateway.http.require_answer", answer)
    monkeypatch.setenv("ZENML_STORE_URL", "https://zenml.example.com")
    found = finding("zenml.store")
    assert (found.status, words in found.detail) == (status, True), found


def test_logins_that_are_cut_off_are_told(home: Path) -> None:
    (home / "credentials.yaml").write_text("https://zenml.example.com:\n  api_key: S3CRET")
    found = finding("zenml.store")
    assert found.status == "unknown"
    assert f"rm {home / 'credentials.yaml'}" in str(found.remedy)
    assert "S3CRET" not in str(found)


def test_a_local_store_that_was_never_finished_is_told(home: Path) -> None:
    folder = home / "local_stores" / "default_zen_store"
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / "zenml.db")) as database, database:
        database.execute("CREATE TABLE flavor (name, is_custom)")
    found = finding("zenml.store")
    assert (found.status, found.detail.rpartition(": ")[2]) == (
        "warn",
        "it was never finished, and nothing is in it",
    )


def test_a_local_store_of_a_version_that_is_not_known_is_not_called_whole(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home / "local_stores" / "default_zen_store"
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / "zenml.db")) as database, database:
        database.execute("CREATE TABLE alembic_version (version_num)")
        database.execute("INSERT INTO alembic_version VALUES ('9.9.9')")
        database.execute("CREATE TABLE mine AS SELECT 1")

    def with_installed(version: str) -> Finding:
        monkeypatch.setattr("kitaru_iac.gateway.versions.installed_version", lambda: version)
        return finding("zenml.store")

    known = list(FLAVORS)[-1]
    found = with_installed(known)
    assert found.status == "warn"
    assert found.detail.endswith(f"is of ZenML 9.9.9, and {known} is installed here")
    assert found.remedy == "Use a kitaru that knows ZenML 9.9.9"

    found = with_installed("9.9.9")  # which may read it
    assert found.status == "unknown"
    assert found.detail.endswith("of ZenML 9.9.9, which this kitaru does not know")
    assert found.remedy == "Use a kitaru that knows it: ZenML itself would migrate what it opens."

    with closing(sqlite3.connect(folder / "zenml.db")) as database, database:
        for table in ("server_settings (active)", "stack (name, user_id)", "flavor (is_custom)",
                      "user (name, is_service_account)"):  # fmt: skip
            database.execute(f"CREATE TABLE {table}")
        database.execute("UPDATE alembic_version SET version_num = ?", [known])
    found = with_installed("9.9.9")
    assert found.status == "unknown"
    assert found.detail.endswith(f"of ZenML {known}, and 9.9.9 here may refuse to open it")


def test_a_local_store_that_cannot_be_looked_at_is_not_called_whole(home: Path) -> None:
    folder = home / "local_stores" / "default_zen_store"
    folder.mkdir(parents=True)
    (folder / "zenml.db").write_bytes(b"of nothing that SQLite knows" * 100)
    found = finding("zenml.store")
    assert (found.status, "cannot be looked at" in found.detail) == ("unknown", True)


def test_a_file_that_cannot_be_read_is_unknown(home: Path) -> None:
    (home / "config.yaml").mkdir()
    assert finding("zenml.store").status == "unknown"


# The engine


def test_an_absent_engine_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    found = finding("pulumi.engine")
    assert found.status == "missing"
    assert found.remedy


@pytest.mark.parametrize(
    ("says", "status"), [("v3.200.0", "ok"), ("v3.1.0", "warn"), ("hello", "warn")]
)
def test_an_engine_is_judged(tmp_path: Path, says: str, status: str) -> None:
    program = engine(tmp_path / "bin", says)
    found = finding("pulumi.engine")
    assert found.status == status
    assert str(program) in found.detail


# Packages


def test_every_extra_is_looked_at() -> None:
    provided = metadata.metadata("kitaru-iac").get_all("Provides-Extra") or []
    looked_at = {f.id.removeprefix("extra.") for f in examine() if f.id.startswith("extra.")}
    assert looked_at == set(provided) - {"all"}
    assert {"aws", "gcp", "azure", "mcp", "server"} <= looked_at


def test_this_environment_lacks_nothing() -> None:
    assert [f for f in examine() if f.id.startswith(("extra.", "packages")) and f.remedy] == []


def test_the_server_extra_names_what_zenmls_local_server_needs() -> None:
    assert "fastapi" in finding("extra.server").detail


def test_a_missing_extra_comes_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "unmet", lambda *_: ["boto3 (not installed)"])
    found = doctor._extra("aws")
    assert found.status == "missing"
    assert found.detail == "missing: boto3 (not installed)"
    assert found.remedy == install_command("aws")
    assert doctor._base().status == "missing"


@pytest.mark.parametrize(("version", "status"), [("0.98.3", "ok"), ("0.99.0", "warn")])
def test_zenml_is_judged(monkeypatch: pytest.MonkeyPatch, version: str, status: str) -> None:
    monkeypatch.setattr(packages, "version", lambda _: version)
    assert doctor._zenml().status == status


def test_findings_are_plain_data() -> None:
    findings = examine()
    assert len({f.id for f in findings}) == len(findings)
    assert json.loads(json.dumps([f.to_dict() for f in findings]))[0]["id"] == "python"
    assert all(f.remedy for f in findings if f.status in {"missing", "warn"})


def test_it_imports_nothing_heavy() -> None:
    code = (
        "import sys; from kitaru_iac.doctor import examine; examine();"
        "heavy = {'zenml', 'pulumi', 'boto3', 'google', 'azure', 'kubernetes', 'sqlalchemy'};"
        "print(sorted(heavy & {name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
