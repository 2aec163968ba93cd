"""What is given as existing is checked before anything is made beside it."""

from __future__ import annotations

import pytest

from kitaru_iac.errors import CheckFailed
from kitaru_iac.infrastructure import provision
from kitaru_iac.infrastructure.prepare import prepare
from kitaru_iac.infrastructure.results import InfrastructureResult
from kitaru_iac.spec.model import StackSpec
from tests.clouds.aws.world import World

EXISTING = {"infra": "provision", "resources": {"bucket": "existing"}}


@pytest.fixture
def making(monkeypatch: pytest.MonkeyPatch) -> list[StackSpec]:
    """What came to be made. The engine's part is others' to show, and takes long."""
    made: list[StackSpec] = []

    def make(spec: StackSpec, **_: object) -> InfrastructureResult:
        made.append(spec)
        return InfrastructureResult(spec)

    monkeypatch.setattr(provision, "provision", make)
    monkeypatch.setattr(provision, "preview_infrastructure", make)
    return made


@pytest.mark.parametrize("dry_run", [True, False])
def test_nothing_is_made_beside_a_bucket_that_is_not_there(
    world: World, making: list[StackSpec], dry_run: bool
) -> None:
    shown: list[object] = []
    with pytest.raises(CheckFailed) as failed:
        prepare(world.sagemaker(**EXISTING), dry_run=dry_run, show=shown.append)
    assert world.bucket in str(failed.value)
    assert (making, len(shown)) == ([], 1)


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_fit_bucket_is_used(world: World, making: list[StackSpec], dry_run: bool) -> None:
    world.fit_bucket()
    spec = world.sagemaker(**EXISTING)
    prepare(spec, dry_run=dry_run)
    assert making == [spec]


def test_what_is_all_to_be_made_is_not_looked_for(world: World, making: list[StackSpec]) -> None:
    spec = world.sagemaker(infra="provision", resources={"bucket": "create"})
    prepare(spec, dry_run=False)
    assert making == [spec]
