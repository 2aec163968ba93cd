"""Who is asked whether the Pulumi engine may be downloaded, and how often."""

from __future__ import annotations

import pytest

from kitaru_iac.cli import terminal
from kitaru_iac.cli.infra import consent


def test_a_person_is_asked_once_in_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def no(question: str, *, remedy: str) -> bool:
        del remedy
        asked.append(question)
        return False

    monkeypatch.setattr(terminal, "someone_is_there", lambda: True)
    monkeypatch.setattr(terminal, "confirm", no)
    agreed = consent(yes=False)
    assert [agreed("Download it?") for _ in range(3)] == [False] * 3
    assert asked == ["Download it?"]
    assert not consent(yes=False)("Download it?")  # another command asks anew
    assert len(asked) == 2
