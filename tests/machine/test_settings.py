"""ZenML's files are read whole or refused, at whatever length they are cut off."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from kitaru_iac.errors import SettingsDamaged, SettingsUnreadable
from kitaru_iac.machine import settings
from kitaru_iac.machine.settings import (
    Kind,
    begin_global,
    read_whole,
    remove_leftovers,
    replace,
    to_yaml,
)
from tests.homes import Home

ID = "abcdabcd-0000-4000-8000-000000000001"
URL = "https://zenml.example:8443"
#: As ZenML 0.98 dumps it for a server.
SERVER = {
    "active_project_id": ID,
    "active_stack_id": ID,
    "analytics_opt_in": True,
    "store": {"http_timeout": 30, "type": "rest", "url": URL, "verify_ssl": True},
    "user_id": ID,
    "version": "0.98.0",
}
LOGIN = {"api_key": "ZENKEY_a", "api_token": {"access_token": "abc", "device_id": ID}}
#: What decides on store, stack and login.
MATTERS = ("store", "active_stack_id", "active_project_id")

#: As ZenML writes: it truncates the file, and writes it anew; whole for as long as it is not.
WRITER = """
import sys, time
path, text = sys.argv[1], open(sys.argv[1]).read()
while True:
    for cut in (0, len(text) // 2):
        with open(path, "w") as file:
            file.write(text[:cut]); file.flush(); file.write(text[cut:])
        time.sleep(0.0005)
"""
REPLACER = """
import sys
from pathlib import Path
from kitaru_iac.machine.settings import replace
path = Path(sys.argv[1]); text = path.read_text()
while True:
    replace(path, text)
"""


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Nobody is writing, unless a test says so."""
    if "patient" not in request.fixturenames:
        monkeypatch.setattr(settings, "_PATIENCE", 0)


@pytest.fixture
def patient() -> None:
    """Somebody is writing: wait as long as usual."""


def read_at_every_length(path: Path, kind: Kind, text: str) -> tuple[int, dict[str, object]]:
    """How many cut files were refused, and those that were read, by their length."""
    refused = 0
    found: dict[str, object] = {}
    for length in range(len(text)):
        path.write_text(text[:length])
        try:
            found[str(length)] = read_whole(path, kind)
        except SettingsDamaged as error:
            assert error.exit_code == 6  # noqa: PT017 - one of many
            refused += 1
    return refused, found


def test_a_global_file_that_is_cut_is_refused_or_right(template_home: Home, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    begun = {"analytics_opt_in": True, "user_id": ID}
    local = (template_home.config / "config.yaml").read_text()
    for text in (local, to_yaml(SERVER), to_yaml(begun), to_yaml(begun | {"version": "0.98.0"})):
        whole = yaml.safe_load(text)
        refused, found = read_at_every_length(path, "global", text)
        assert refused >= len(text) * 0.6
        for content in found.values():
            assert isinstance(content, dict)
            assert {key: content.get(key) for key in MATTERS} == {
                key: whole.get(key) for key in MATTERS
            }
        path.write_text(text)
        assert read_whole(path, "global") == whole


@pytest.mark.parametrize("chosen", [ID, None])
def test_a_repositorys_file_that_is_cut_is_refused_or_right(
    tmp_path: Path, chosen: str | None
) -> None:
    path = tmp_path / "config.yaml"
    whole = {"active_project_id": None, "active_stack_id": chosen}
    refused, found = read_at_every_length(path, "repository", to_yaml(whole))
    assert refused >= len(to_yaml(whole)) - 1
    assert all(content == whole for content in found.values())


def test_logins_that_are_cut_are_refused_or_right(tmp_path: Path) -> None:
    """Where the cut is between two logins nothing tells: the second is missing, none is wrong."""
    path = tmp_path / "credentials.yaml"
    others = "https://zenml.example:8444"
    whole = {at: {**LOGIN, "url": at, "version": "0.98.0"} for at in (URL, others)}
    refused, found = read_at_every_length(path, "logins", to_yaml(whole))
    assert refused >= len(to_yaml(whole)) * 0.6
    for content in found.values():
        assert isinstance(content, dict)
        for url, login in content.items():
            assert {**login, "version": "0.98.0"} == whole[url]


@pytest.mark.parametrize(
    "text",
    ["", "\n", "- a\n", "text", "{", "{}", "\x00", "store:\n  type: rest\n", "store: null\n"],
)
def test_what_tells_no_store_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(SettingsDamaged) as refused:
        read_whole(path, "global")
    assert refused.value.where == str(path)
    assert f"rm {path}" in str(refused.value.remedy)
    assert "kitaru login URL" in str(refused.value.remedy)


@pytest.mark.parametrize("below", ["config.yaml", "deep/config.yaml"])
def test_a_file_in_the_place_of_the_folder_is_not_to_be_moved(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsUnreadable, match=f"{tmp_path / 'file'} is no folder") as refused:
        read_whole(tmp_path / "file" / below, "global")
    assert "mv " not in str(refused.value.remedy)


def test_no_file_is_a_fresh_machine(tmp_path: Path) -> None:
    for kind in ("global", "repository", "logins"):
        assert read_whole(tmp_path / "none.yaml", kind) == {}  # type: ignore[arg-type]


def test_a_file_in_braces_is_whole_where_it_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text('{"store": {"type": "rest", "url": "https://a"}}')
    assert read_whole(path, "global")["store"]["type"] == "rest"


@pytest.mark.parametrize(
    "text",
    [
        "store:\n  type: rest\n  url: https://a\n",
        "# for CI\nstore:\n  type: rest\n  url: https://a\n  verify_ssl: /ca.pem\n",
        "store: {type: rest, url: 'https://a'}\nactive_stack_id: " + ID + "\n",
        "analytics_opt_in: no\nstore: {type: rest, url: 'https://a'}\n",
        "analytics_opt_in: false\nstore:\n  type: rest\n  url: https://a\n  verify_ssl: true\n",
        "version: 0.98.0\nstore:\n    type: rest\n    url: https://a\n",
    ],
)
def test_a_file_that_is_written_by_hand_needs_a_store_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    assert read_whole(path, "global")["store"]["url"] == "https://a"
    # Cut off anywhere in its last store it is refused, or names the same store.
    for length in range(text.index("url") + 5):
        path.write_text(text[:length])
        with pytest.raises(SettingsDamaged):
            read_whole(path, "global")


@pytest.mark.parametrize(
    "text", ["analytics_opt_in: true\nstore:\n  type: rest\n  url: https://a\n"]
)
def test_what_zenml_may_have_been_writing_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(SettingsDamaged):
        read_whole(path, "global")


@pytest.mark.usefixtures("patient")
def test_while_another_process_writes_every_read_is_right(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(to_yaml(SERVER))
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)]) as writer:
        try:
            empty = 0
            for _ in range(2000):
                assert read_whole(path, "global") == SERVER
                empty += path.read_text() != to_yaml(SERVER)
        finally:
            writer.kill()
    assert empty, "the writer was never met at work"


def test_what_we_write_is_never_seen_half(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(to_yaml(SERVER))
    files = set()  # a number may be used again, but never by the next one
    with subprocess.Popen([sys.executable, "-c", REPLACER, str(path)]) as writer:
        try:
            seen: set[int] = set()
            while len(seen) < 20:
                assert path.read_text() == to_yaml(SERVER)
                found = path.stat()
                seen.add(found.st_mtime_ns)
                files.add(found.st_ino)
        finally:
            writer.kill()
    assert len(files) > 1, "the file was written in place"


def test_logins_are_their_owners_alone_and_modes_stay(tmp_path: Path) -> None:
    logins, config = tmp_path / "credentials.yaml", tmp_path / "config.yaml"
    replace(logins, "{}\n")
    assert logins.stat().st_mode & 0o777 == 0o600
    config.write_text("")
    config.chmod(0o640)
    replace(config, to_yaml(SERVER))
    assert config.stat().st_mode & 0o777 == 0o640
    assert sorted(tmp_path.iterdir()) == [config, logins]


def test_a_fresh_file_is_begun_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path / "new"))
    begin_global()
    path = tmp_path / "new" / "config.yaml"
    first = read_whole(path, "global")
    begin_global()
    assert read_whole(path, "global") == first
    assert list(first) == ["user_id"]
    settings._create(path, "user_id: another\n")  # the loser of a race
    assert read_whole(path, "global") == first


def test_what_a_killed_writer_left_is_deleted_by_the_next(tmp_path: Path) -> None:
    import fcntl

    file = tmp_path / "credentials.yaml"
    dead, living, new, other = (
        *(tmp_path / f".credentials.yaml.{digit * 32}" for digit in "abc"),
        tmp_path / ".credentials.yaml.mine",
    )
    for path in (dead, living, other):
        path.write_text("https://x: {api_key: ZENKEY_x}\n")
    new.touch()  # its writer has not locked it yet
    with living.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert replace(file, "{}\n")
        assert sorted(tmp_path.iterdir()) == sorted([file, living, new, other])
    remove_leftovers(file)
    assert sorted(tmp_path.iterdir()) == sorted([file, new, other])
    remove_leftovers(tmp_path / "nowhere" / "config.yaml")


NO_IDS = [f"x{ID}", ID[:-1], f" {ID}", f"{ID}\n", "", 7, int("1" * 32), [ID], True]


@pytest.mark.parametrize("value", NO_IDS, ids=repr)
@pytest.mark.parametrize(
    ("name", "dump"),
    [
        ("active_stack_id", to_yaml),
        ("active_stack_id", json.dumps),
        ("active_project_id", to_yaml),
        ("active_project_id", json.dumps),
        ("user_id", to_yaml),  # in braces a user's id is given anew with the next write
    ],
)
def test_what_is_no_id_is_refused_as_zenml_does(
    tmp_path: Path, value: object, name: str, dump: Callable[[object], str]
) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(UUID).validate_python(value)
    path = tmp_path / "config.yaml"
    path.write_text(dump({**SERVER, name: value}))
    with pytest.raises(SettingsDamaged, match="does not accept") as refused:
        read_whole(path, "global")
    assert refused.value.where == str(path)
    assert refused.value.exit_code == 6
    assert f"`{name}`" in str(refused.value.why)
    if name != "user_id":
        path.write_text(to_yaml({"active_project_id": ID, "active_stack_id": ID, name: value}))
        with pytest.raises(SettingsDamaged, match=r"does not accept"):
            read_whole(path, "repository")


@pytest.mark.parametrize(
    "value",
    [ID.upper(), ID.replace("-", ""), f"urn:uuid:{ID}", f"{{{ID}}}", ID.encode(), None],
    ids=repr,
)
@pytest.mark.parametrize("name", ["active_stack_id", "active_project_id"])
def test_what_zenml_takes_for_an_id_is_read(tmp_path: Path, value: object, name: str) -> None:
    TypeAdapter(UUID | None).validate_python(value)
    path = tmp_path / "config.yaml"
    path.write_text(to_yaml({**SERVER, name: value}))
    assert read_whole(path, "global") == {**SERVER, name: value}


@pytest.mark.parametrize(
    ("store", "why"),
    [
        ({"type": "rest"}, "no `url`"),
        ({"type": "sql", "url": None}, "no `url`"),
        ({"type": "rest", "url": 7}, "no `url`"),
        ({"url": URL}, "no `type`"),
        ({"type": "mysql", "url": URL}, "no `type`"),
        (URL, "no settings"),
        ([URL], "no settings"),
    ],
)
def test_a_store_that_zenml_does_not_accept_is_refused(
    tmp_path: Path, store: object, why: str
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(to_yaml({**SERVER, "store": store}))
    with pytest.raises(SettingsDamaged, match="does not accept") as refused:
        read_whole(path, "global")
    assert why in str(refused.value.why)
