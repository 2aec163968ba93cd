"""What a cloud needs longer for than is waited: said in the result, and with an error after it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from kitaru_iac.engine import patience
from kitaru_iac.infrastructure import provision
from kitaru_iac.notices import NotReadyYet
from tests.infrastructure.running import described, stand_in
from tests.infrastructure.test_ownership_rules import Cloud, State


class Engine(State):
    def exists(self) -> bool:
        return True

    def preview(self, **_: object) -> Any:
        return SimpleNamespace(steps=lambda _=None: (), outputs={})

    up = preview


@pytest.mark.parametrize(
    ("late", "said"),
    [
        (None, ()),
        (lambda: None, ()),
        (
            lambda: "the account cannot be used yet",
            (NotReadyYet("the account cannot be used yet, and was not waited for any longer."),),
        ),
    ],
)
def test_what_is_not_there_after_the_waiting_is_a_warning(
    late: Any, said: tuple[NotReadyYet, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PAUSES", ())
    stand_in(monkeypatch, Engine(), Cloud(), late=late)
    assert provision.provision(described()).warnings == said
    assert provision.preview_infrastructure(described()).warnings == ()
