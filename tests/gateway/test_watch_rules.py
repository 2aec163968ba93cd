"""The limits of one call, and of all that no answer came to, on both sides."""

from __future__ import annotations

import pytest

from kitaru_iac.gateway import watch
from kitaru_iac.gateway.watch import Silence, TooLarge, Watch


@pytest.mark.parametrize("pieces", [(110,), (60, 50), (1,) * 110])
def test_as_many_bytes_come_as_may(
    monkeypatch: pytest.MonkeyPatch, pieces: tuple[int, ...]
) -> None:
    monkeypatch.setattr(watch, "_HEADS", 10)
    limits = Watch(60, 100)
    for piece in pieces:
        limits.took(piece)
    with pytest.raises(TooLarge):
        limits.took(1)


def test_a_wait_ends_where_the_call_does() -> None:
    limits = Watch(0, 100)
    assert limits.left == 0
    with pytest.raises(TimeoutError):
        limits.sleep(1)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(watch, "time", made)
    return made


def wait(silence: Silence, clock: Clock, seconds: float, most: float = 30) -> None:
    """A call that gets no answer."""
    began, clock.now = clock.now, clock.now + seconds
    silence.lasts(began, most)


@pytest.mark.parametrize(
    ("waits", "left"),
    [
        ([], 30),
        ([0.2], 30),  # refused at once
        ([5], 30),
        ([10], 25),
        ([10, 10], 15),
        ([30], 5),
        ([30, 2], 3),
        ([30, 4.5], 0.5),
        ([30, 4.6], None),
        ([30, 5], None),
        ([90], 5),  # it was the server that waited, for a cloud
    ],
)
def test_what_is_left_after_waits_in_vain(
    clock: Clock, waits: list[float], left: float | None
) -> None:
    silence = Silence()
    for seconds in waits:
        wait(silence, clock, seconds)
    found = silence.left(30)
    assert (found is None) == (left is None)
    assert found == pytest.approx(left)


def test_an_answer_ends_a_silence_and_so_does_time(clock: Clock) -> None:
    silence = Silence()
    wait(silence, clock, 30)
    silence.ends()
    assert (silence.left(30), silence.waited) == (30, 0)
    wait(silence, clock, 30)
    wait(silence, clock, 5)
    assert silence.left(30) is None
    assert silence.waited == 35
    clock.now += 29
    assert silence.left(30) is None
    clock.now += 1
    assert silence.left(30) == 30


def test_threads_that_wait_at_the_same_time_wait_once(clock: Clock) -> None:
    silence = Silence()
    began, clock.now = clock.now, clock.now + 10
    for _ in range(8):
        silence.lasts(began, 30)
    assert silence.waited == 10
    clock.now += 2
    silence.ends()  # of another thread
    clock.now += 3
    silence.lasts(began, 30)
    assert silence.waited == 3


@pytest.mark.parametrize("seconds", [0, 0.1, 1])
def test_a_short_patience_is_kept_to(clock: Clock, seconds: float) -> None:
    silence = Silence()
    assert silence.left(seconds) == seconds
    wait(silence, clock, seconds, seconds)
    assert silence.left(seconds) == seconds
