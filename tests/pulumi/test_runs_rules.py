"""Which tokens this machine holds for which state: whose creation was this."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from kitaru_iac.errors import KitaruError
from kitaru_iac.pulumi.plugin import runs

URN = "urn:pulumi:prod::platform::kitaru:index:Stack::dev"
#: Providers by URN and id: of two states, and a second one of the first state.
OURS, THEIRS, SECOND = ("urn:default", "id-1"), ("urn:default", "id-2"), ("urn:own", "id-3")
UNMADE = ("urn:default", "04da6b54-80e4-46f7-96ec-b56ff0331ba9")
NOBODY = ("", "")


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(runs, "_home", tmp_path)
    monkeypatch.setattr(runs, "_provider", None)
    monkeypatch.setattr(runs, "_backend", lambda *_: "https://backend")
    return tmp_path / "kitaru" / "pulumi"


def test_a_machine_without_notes_knows_nothing(machine: Path) -> None:
    assert runs.known(URN) == frozenset()
    assert not machine.exists()


def test_every_creation_has_a_token_of_its_own_until_one_is_settled(machine: Path) -> None:
    first, second = runs.begin(URN), runs.begin(URN)
    assert first != second
    assert len(first) == 16
    assert runs.known(URN) == {first, second}
    assert runs.latest(URN) == second
    runs.settle(URN, first)
    assert runs.known(URN) == {first}
    assert runs.latest(URN) == first
    assert len(list(machine.iterdir())) == 1  # nothing is left beside it


def test_the_latest_is_made_when_it_is_first_asked_for() -> None:
    token = runs.latest(URN)
    assert runs.latest(URN) == token
    assert runs.known(URN) == {token}


def test_each_resource_and_each_backend_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = runs.begin(URN)
    assert runs.known(f"{URN}2") == frozenset()
    monkeypatch.setattr(runs, "_backend", lambda *_: "https://another")
    assert runs.known(URN) == frozenset()
    other = runs.begin(URN)
    monkeypatch.setattr(runs, "_backend", lambda *_: "https://backend")
    assert runs.known(URN) == {mine}
    assert mine != other


@pytest.mark.parametrize(
    ("maker", "looking", "known"),
    [
        (OURS, OURS, True),
        (OURS, THEIRS, False),  # the same provider, in another state
        (OURS, SECOND, True),  # another provider proves nothing
        (OURS, NOBODY, True),
        (NOBODY, OURS, True),
        (NOBODY, NOBODY, True),
        (("urn:default", ""), THEIRS, True),  # half of a provider is none
        (("", "id-1"), THEIRS, True),
    ],
)
@pytest.mark.parametrize("settled", [False, True])
def test_a_token_is_known_in_the_state_it_was_made_for(
    maker: tuple[str, str], looking: tuple[str, str], known: bool, settled: bool
) -> None:
    runs.serve(*maker)
    token = runs.begin(URN)
    if settled:
        runs.settle(URN, token)
    runs.serve(*looking)
    assert (token in runs.known(URN)) is known
    assert (runs.latest(URN) == token) is known  # else a fresh one


@pytest.mark.parametrize(
    ("maker", "holder", "written", "known"),
    [
        (THEIRS, OURS, False, True),  # a state that holds it has a claim
        (THEIRS, OURS, True, True),
        (None, OURS, True, True),  # made elsewhere, and written from here
        (None, OURS, False, False),
        (None, NOBODY, True, False),
        (None, UNMADE, True, False),
        (THEIRS, NOBODY, False, False),
        (THEIRS, UNMADE, False, False),
    ],
)
def test_a_token_that_the_state_holds_is_known_to_it(
    maker: tuple[str, str] | None, holder: tuple[str, str], written: bool, known: bool
) -> None:
    token = "0123456789abcdef"
    if maker is not None:
        runs.serve(*maker)
        token = runs.begin(URN)
    runs.serve(*holder)
    runs.hold(URN, token, written=written)
    runs.serve(*OURS)
    assert (token in runs.known(URN)) is known


@pytest.mark.parametrize("maker", [NOBODY, OURS])
def test_what_is_held_already_is_noted_once_for_each_provider(
    maker: tuple[str, str], machine: Path
) -> None:
    runs.serve(*maker)
    token = runs.begin(URN)
    runs.serve(*OURS)
    runs.hold(URN, token)
    (file,) = machine.iterdir()
    once = file.read_text()
    assert once.count(token) == (1 if maker == OURS else 2)
    runs.hold(URN, token)
    runs.hold(URN, token, written=True)
    assert file.read_text() == once
    # Held by one state, it is another one's no more.
    runs.serve(*THEIRS)
    assert runs.known(URN) == frozenset()


def test_a_note_that_a_kill_cut_short_spoils_no_other(machine: Path) -> None:
    first = runs.begin(URN)
    (file,) = machine.iterdir()
    with file.open("ab") as notes:
        notes.write(b"\ncafe:12\xff")
    second = runs.begin(URN)
    assert {first, second} <= runs.known(URN)
    assert runs.latest(URN) == second


@pytest.mark.parametrize("do", [runs.known, runs.begin, runs.latest, lambda u: runs.settle(u, "a")])
def test_notes_that_cannot_be_used_are_named_with_the_way_out(
    do: Callable[[str], object], tmp_path: Path
) -> None:
    (tmp_path / "kitaru").write_text("a file")
    with pytest.raises(KitaruError, match="cannot be used") as failed:
        do(URN)
    assert failed.value.remedy == "Set KITARU_CONFIG_PATH."
    assert failed.value.why


@pytest.mark.parametrize("remembered", [True, False])
def test_the_notes_are_in_the_home_of_the_beginning(
    remembered: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KITARU_CONFIG_PATH", str(tmp_path / "later"))
    monkeypatch.setattr(runs, "_home", None)
    if remembered:
        runs.remember_home(tmp_path / "first")
    runs.begin(URN)
    assert (tmp_path / "first" / "kitaru" / "pulumi").exists() is remembered


def test_notes_are_where_and_as_another_version_left_them(machine: Path) -> None:
    """A file of this name and form is on machines already: its tokens are this machine's own."""
    file = machine / hashlib.sha256(f"{URN}\nhttps://backend".encode()).hexdigest()[:32]
    maker = hashlib.sha256(OURS[0].encode()).hexdigest()[:12]
    machine.mkdir(parents=True)
    file.write_text(f"0123456789abcdef:{maker}:{OURS[1]}\nfedcba9876543210\n", encoding="ascii")
    runs.serve(*OURS)
    assert "fedcba9876543210" in runs.known(URN)
    assert "0123456789abcdef" in runs.known(URN)
    runs.serve(*THEIRS)
    assert "0123456789abcdef" not in runs.known(URN)
