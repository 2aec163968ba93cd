"""What stands in the place of ZenML's files and is none: refused by every command, and untouched.

No store is opened here, and ZenML is not imported. The tests may run as root, for whom nothing is
unreadable: /proc/self/mem stands for that.
"""

from __future__ import annotations

import errno
import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kitaru_iac.errors import FileNotWritten, UsageError
from kitaru_iac.gateway.documents import StorePlace
from kitaru_iac.machine import settings, unfinished
from kitaru_iac.machine.locks import sole_writer, writer_if_free
from kitaru_iac.machine.project import project_settings
from tests.cli.conftest import Kitaru

ID = "abcdabcd-0000-4000-8000-000000000001"
SERVER = "http://127.0.0.1:9"

#: What stands there, and the code of the error about one of ZenML's files.
STATES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a directory": (Path.mkdir, "settings_unreadable"),
    "a link to nothing": (lambda path: path.symlink_to("gone"), "settings_unreadable"),
    "a link to itself": (lambda path: path.symlink_to(path.name), "settings_unreadable"),
    "a named pipe": (os.mkfifo, "settings_unreadable"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "settings_unreadable"),
    "unreadable": (lambda path: path.symlink_to("/proc/self/mem"), "settings_unreadable"),
    "large": (lambda path: path.write_bytes(b"a: 1\n" * 10**7), "settings_unreadable"),
    "not UTF-8": (lambda path: path.write_bytes(b"store: \xff\xfe\n"), "settings_damaged"),
    "a thousand brackets": (lambda path: path.write_bytes(b"[" * 10**5), "settings_damaged"),
    "a list": (lambda path: path.write_bytes(b"- a\n"), "settings_damaged"),
    "a mapping as a key": (lambda path: path.write_bytes(b"? {a: 1}\n: 2\n"), "settings_damaged"),
}
#: What can stand in the place of a database without being half of one.
NO_DATABASE = ["a directory", "a link to nothing", "a link to itself", "a named pipe", "a device"]

COMMANDS = [
    *("stack list", "stack current", "stack show", "stack show dev", "stack use dev"),
    *("stack create dev", "stack preview dev", "stack apply dev --yes", "stack delete dev --yes"),
    *("stack clean --yes", "stack verify dev", "status", "doctor"),
]
CONNECTING = ["init sub", "logout", f"login {SERVER}"]


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A configuration that names a server which is away; whoever waits for a pipe is stopped."""
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path / "zenml"))
    monkeypatch.setattr(settings, "_PATIENCE", 0)
    (tmp_path / "zenml").mkdir()
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    connect(tmp_path)

    def late(*_: object) -> None:
        pytest.fail("it waits")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(60)
    yield tmp_path
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def connect(home: Path, **store: str) -> None:
    content = {
        "store": store or {"type": "rest", "url": SERVER},
        "user_id": ID,
        "version": "0.98.0",
    }
    (home / "zenml" / "config.yaml").write_text(json.dumps(content))


def tree(home: Path) -> list[tuple[str, int, int]]:
    """Every file and folder, with its size and time, but for locks."""
    found = []
    for path in sorted(home.rglob("*")):
        if "locks" not in path.parts and path.name != "kitaru":
            stat = path.lstat()
            found.append((str(path), stat.st_mode, stat.st_size))
    return found


def refused(kitaru: Kitaru, home: Path, command: str, code: str, path: Path) -> None:
    """The command ends with this error about this file, and has written nothing."""
    before = tree(home)
    done = kitaru(*command.split(), "-o", "json")
    assert tree(home) == before, command
    said = done.out + done.err
    assert "Traceback" not in said
    if command == "doctor":
        assert done.code == 0, said
        store = next(f for f in json.loads(done.out)["items"] if f["id"] == "zenml.store")
        assert store["status"] in ("unknown", "warn")
        assert str(path) in store["detail"] + store["remedy"]
        return
    assert done.code == 6, (command, said)
    if command == "status" and done.out:
        item = json.loads(done.out)["item"]
        assert not item["connected"]
        assert str(path) in item["error"] + item["remedy"]
        return
    assert done.error["code"] == code, (command, said)
    assert done.error["where"] == str(path)
    assert str(path) in done.error["remedy"]


def in_place_of(path: Path, state: str) -> str:
    if path.is_file():
        path.unlink()
    make, code = STATES[state]
    make(path)
    return code


@pytest.mark.parametrize("state", STATES)
def test_the_settings(home: Path, kitaru: Kitaru, state: str) -> None:
    path = home / "zenml" / "config.yaml"
    code = in_place_of(path, state)
    for command in (*COMMANDS, *CONNECTING):
        refused(kitaru, home, command, code, path)


@pytest.mark.parametrize("state", STATES)
def test_the_logins(home: Path, kitaru: Kitaru, state: str) -> None:
    path = home / "zenml" / "credentials.yaml"
    code = in_place_of(path, state)
    for command in (*(c for c in COMMANDS if c != "status"), *CONNECTING[1:]):
        refused(kitaru, home, command, code, path)


@pytest.mark.parametrize("state", STATES)
def test_the_settings_of_a_repository(home: Path, kitaru: Kitaru, state: str) -> None:
    path = home / ".zen" / "config.yaml"
    path.parent.mkdir()
    code = in_place_of(path, state)
    for command in (c for c in COMMANDS if c != "status"):
        refused(kitaru, home, command, code, path)


@pytest.mark.parametrize("folder", ["a link to nothing", "a link to itself", "a named pipe"])
def test_the_folder_of_the_settings(
    home: Path, kitaru: Kitaru, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = home / "elsewhere"
    STATES[folder][0](place)
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(place))
    for command in (*COMMANDS, *CONNECTING):
        refused(kitaru, home, command, "settings_unreadable", place / "config.yaml")


def test_a_folder_whose_name_is_too_long(
    home: Path, kitaru: Kitaru, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = home / ("x" * 300)
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(place))
    for command in (*COMMANDS, *CONNECTING):
        refused(kitaru, home, command, "settings_unreadable", place / "config.yaml")


@pytest.mark.parametrize(
    ("at", "state"),
    [
        *(("local_stores/default_zen_store/zenml.db", state) for state in NO_DATABASE),
        *(("local_stores", state) for state in NO_DATABASE[1:]),
    ],
)
def test_the_local_store(home: Path, kitaru: Kitaru, state: str, at: str) -> None:
    database = home / "zenml" / "local_stores" / "default_zen_store" / "zenml.db"
    place = home / "zenml" / at
    connect(home, type="sql", url=f"sqlite:///{database}")
    place.parent.mkdir(parents=True, exist_ok=True)
    in_place_of(place, state)
    for command in COMMANDS:
        refused(kitaru, home, command, "not_connected", database)


@pytest.mark.usefixtures("without_zenml")
@pytest.mark.parametrize("command", ["stack use default", "logout", "stack list"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_a_disk_that_takes_nothing(
    home: Path, kitaru: Kitaru, command: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.doubles.rude_server import RudeServer

    def full(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with RudeServer("nothing", polite=9) as server:
        connect(home, type="rest", url=server.url)
        monkeypatch.setattr(settings.os, "fsync", full)
        before = tree(home)
        done = kitaru(*command.split(), "-o", "json")
    assert tree(home) == before
    if command == "stack list":
        assert done.code == 0, done.err
        return
    assert (done.code, done.error["code"]) == (1, FileNotWritten.code), done.err
    assert done.error["where"] == str(home / "zenml" / "config.yaml")
    assert os.strerror(number) in done.error["why"]


# -- our own ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_a_note_or_a_lock_is_never_waited_for_nor_followed(home: Path, state: str) -> None:
    make, _ = STATES[state]
    ours = home / "zenml" / "kitaru"
    store = StorePlace("server", SERVER, is_on_this_machine=False)
    note = unfinished.begin(store, "dev", "create")
    (file,) = (ours / "unfinished").iterdir()
    file.unlink()
    make(file)
    assert unfinished.find(store, "dev") is None
    assert list(unfinished.every(store)) == []
    unfinished.end(store, "dev")
    with sole_writer("dev"), writer_if_free("dev") as taken:
        assert not taken
    (lock,) = (ours / "locks").iterdir()
    lock.unlink()
    make(lock)
    size = lock.lstat().st_size
    with sole_writer("dev"):
        assert lock.lstat().st_size == size  # nothing is cut off that is somebody's
    assert note.token


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("unreadable", "Input/output error"),
        ("large", "larger than"),
        ("not UTF-8", "utf-8"),
        ("a thousand brackets", "TOML"),
    ],
)
def test_a_projects_file(home: Path, kitaru: Kitaru, state: str, says: str) -> None:
    in_place_of(home / "pyproject.toml", state)
    done = kitaru("stack", "create", "dev", "-o", "json")
    assert (done.code, done.error["code"]) == (64, UsageError.code), done.err
    assert done.error["where"] == str(home / "pyproject.toml")
    assert says in done.err


@pytest.mark.parametrize("state", ["a directory", "a link to nothing", "a named pipe", "a device"])
def test_what_is_no_projects_file_is_none(home: Path, state: str) -> None:
    in_place_of(home / "pyproject.toml", state)
    assert project_settings(home) == ({}, None)


def test_a_project_whose_tools_are_no_table(home: Path) -> None:
    (home / "pyproject.toml").write_text("tool = 1\n")
    with pytest.raises(UsageError, match="not a table"):
        project_settings(home)


@pytest.mark.parametrize("command", ["init", "stack create dev", "stack preview dev"])
def test_a_directory_that_was_removed(
    home: Path, kitaru: Kitaru, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = home / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    done = kitaru(*command.split(), "-o", "json")
    assert (done.code, done.error["code"]) == (64, UsageError.code), done.err
