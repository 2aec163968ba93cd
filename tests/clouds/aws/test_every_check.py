from __future__ import annotations

import pytest

from kitaru_iac.checks.model import CheckStatus
from kitaru_iac.clouds.aws.catalog import CATALOG
from tests.clouds.aws import cli
from tests.clouds.aws.cases import CASES, Case
from tests.clouds.aws.world import World


def test_every_check_has_a_case_for_each_status_that_it_can_have() -> None:
    covered = {(case.id, case.status) for case in CASES}
    promised = {(info.id, status) for info in CATALOG.values() for status in info.can}
    assert covered == promised


def test_every_check_says_what_it_does_not_look_at() -> None:
    words = ("not looked at", "not asked", "not read", "which is not")
    silent = [i.id for i in CATALOG.values() if not any(w in i.text.lower() for w in words)]
    assert silent == []


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_check_ends_as_it_should_and_says_why(case: Case, world: World) -> None:
    spec = case.arrange(world)

    result = world.check(spec, case.id)

    assert (result.status, result.missing_permission) == (case.status, case.permission), result.why
    assert case.why in result.why
    assert result.subject
    assert result.docs
    if case.status is CheckStatus.OK:
        assert result.remedy is None
    else:
        assert result.remedy
        cli.understands(result.remedy)
    if case.mends:
        assert result.remedy
        cli.run(result.remedy, world.aws)
        again = world.check(spec, case.id)
        assert again.status is CheckStatus.OK, again.why
