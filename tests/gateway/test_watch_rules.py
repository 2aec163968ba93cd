"""The limits of one call, on both sides."""

from __future__ import annotations

import pytest

from kitaru_iac.gateway import watch
from kitaru_iac.gateway.watch import TooLarge, Watch


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
