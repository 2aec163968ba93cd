"""What a cloud needs longer for than is waited: said in the result, and with an error after it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from kitaru_iac.engine import patience
from kitaru_iac.infrastructure import provision
from kitaru_iac.notices import LeftToDo, NotReadyYet
from kitaru_iac.plan.model import Action, Layer, Step
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


@pytest.mark.parametrize(
    ("action", "said"), [(Action.CREATE, (LeftToDo("make the namespace"),)), (Action.UPDATE, ())]
)
def test_what_is_left_to_do_is_a_warning_where_something_was_made(
    action: Action, said: tuple[LeftToDo, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A preview says it as it goes, and so has nothing to say of what was made."""
    step = Step(action, "cloud:Cluster", "prod", Layer.INFRASTRUCTURE)

    class Making(Engine):
        def preview(self, **_: object) -> Any:
            return SimpleNamespace(steps=lambda _=None: (step,), outputs={})

        up = preview

    told: list[str] = []
    stand_in(monkeypatch, Making(), Cloud(), notes=("make the namespace",))
    assert provision.provision(described(), progress=told.append).warnings == said
    assert told == []
    assert provision.preview_infrastructure(described(), progress=told.append).warnings == ()
    assert told == ["make the namespace"]
