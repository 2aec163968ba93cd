"""What a look at the cloud proves: never that nothing differs where the state may lack some."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from kitaru_iac.errors import KitaruError
from kitaru_iac.infrastructure import provision
from kitaru_iac.plan.model import Action, Step

CHANGED = Step(Action.UPDATE, "aws:s3/bucket:Bucket", "b")
BUCKET = {"urn": "urn:pulumi:prod::p::aws:s3/bucket:Bucket::b"}


@pytest.mark.parametrize(
    ("steps", "held", "begun", "said"),
    [
        ((), (BUCKET,), (), None),
        ((Step(Action.KEEP, "aws:s3/bucket:Bucket", "b"),), (BUCKET,), (), None),
        ((CHANGED,), (BUCKET,), (), None),
        ((CHANGED,), (BUCKET,), (BUCKET,), None),  # there is drift, whatever else there is
        ((), (BUCKET,), (BUCKET,), "What a run has begun to make is not in the state: b"),
        ((), (), (BUCKET,), "What a run has begun to make is not in the state: b"),
        ((), (), (), "Nothing that was made is in the state"),  # but for its providers
    ],
)
def test_a_look_proves_something_only_where_the_state_is_whole(
    monkeypatch: pytest.MonkeyPatch,
    steps: tuple[Step, ...],
    held: tuple[Any, ...],
    begun: tuple[Any, ...],
    said: str | None,
) -> None:
    engine = SimpleNamespace(
        refresh_preview=lambda: SimpleNamespace(steps=lambda: steps),
        resources=lambda: held,
        begun=lambda: begun,
        backend=SimpleNamespace(label="file://here"),
    )

    @contextmanager
    def existing(*_: object) -> Iterator[Any]:
        yield SimpleNamespace(engine=engine)

    monkeypatch.setattr(provision, "existing", existing)
    if said is None:
        changed = tuple(step for step in steps if step is CHANGED)
        assert provision.drift({}) == changed
    else:
        with pytest.raises(KitaruError, match=said):
            provision.drift({})
