"""What is said of what stays without a state: named is what carries the marks, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from kitaru_iac.clouds.provider import Marked, Sighting, marks
from kitaru_iac.errors import InfrastructureRemains
from kitaru_iac.infrastructure.deployments import OwnedDeployment
from kitaru_iac.infrastructure.remains import require_nothing_unknown

BUCKET, ROLE = Sighting("b", "bucket b"), Sighting("r", "role r")
BY_HAND = "delete by hand what is named here"
TAGGED = "All that is named carries the deployment's tags."


class Deployment:
    stack = "prod"


def looked(found: Marked, *known: str) -> None:
    class Account:
        @property
        def place(self) -> dict[str, str]:
            return {"account": "1"}

        def marked(self, _: Any) -> Marked:
            return found

    owned: Any = OwnedDeployment(Deployment(), Account(), marks("kitaru", "prod"))  # type: ignore[arg-type]
    require_nothing_unknown(owned, set(known))


def test_what_is_known_to_stay_is_nothing_new() -> None:
    looked(Marked((BUCKET, ROLE)), "b", "r")
    looked(Marked((), ("the tags may not be asked",)))


@pytest.mark.parametrize("unseen", [(), ("roles may not be listed",)])
def test_only_what_carries_the_marks_is_named_to_be_deleted(unseen: tuple[str, ...]) -> None:
    with pytest.raises(InfrastructureRemains) as caught:
        looked(Marked((BUCKET, ROLE), unseen), "r")
    assert list(caught.value.left) == ["bucket b"]
    assert TAGGED in str(caught.value.why)
    assert BY_HAND in str(caught.value.remedy)
    for one in unseen:
        assert one in str(caught.value.why)
