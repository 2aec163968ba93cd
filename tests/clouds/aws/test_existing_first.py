"""What is given as existing is checked before anything is made beside it."""

from __future__ import annotations

import time

import pytest

from kitaru_iac.clouds.aws.provision.layout import layout
from kitaru_iac.errors import CheckFailed
from kitaru_iac.infrastructure import provision
from kitaru_iac.infrastructure.prepare import prepare
from kitaru_iac.infrastructure.results import InfrastructureResult
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.model import StackSpec
from tests.clouds.aws.world import World
from tests.doubles.aws import ACCOUNT_ID, REGION

MADE = {"bucket": "create", "registry": "create", "role": "create"}
EXISTING = {"infra": "provision", "resources": MADE | {"bucket": "existing"}}


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


@pytest.mark.parametrize(("age", "looks"), [(0.0, 0), (299.0, 0), (301.0, 1)])
def test_what_was_found_fit_for_the_plan_is_not_looked_at_again_at_once(
    world: World,
    making: list[StackSpec],
    monkeypatch: pytest.MonkeyPatch,
    age: float,
    looks: int,
) -> None:
    world.fit_bucket()
    spec = world.sagemaker(**EXISTING)
    planned = prepare(spec, dry_run=True)
    assert planned.checked is not None
    shown: list[object] = []
    now = planned.checked + age
    monkeypatch.setattr("kitaru_iac.infrastructure.prepare.monotonic", lambda: now)
    done = prepare(spec, dry_run=False, show=shown.append, checked=planned.checked)
    assert (len(shown), making) == (looks, [spec, spec])
    assert done.checked == (now if looks else planned.checked)


def test_what_is_only_verified_is_looked_at_each_time(world: World) -> None:
    world.fit_bucket()
    shown: list[object] = []
    spec = world.local(infra="verify")
    for checked in (None, time.monotonic()):
        prepare(spec, dry_run=True, show=shown.append, checked=checked)
    assert len(shown) == 2


def test_what_is_all_to_be_made_is_not_looked_for(world: World, making: list[StackSpec]) -> None:
    spec = world.sagemaker(infra="provision", resources=MADE)
    prepare(spec, dry_run=False)
    assert making == [spec]


#: What names each resource of a SageMaker stack that is not there.
NAMED = {
    "bucket": ("artifact_store", "s3://{name}-absent/kitaru"),
    "registry": ("container_registry", f"{ACCOUNT_ID}.dkr.ecr.{REGION}.amazonaws.com/{{name}}"),
    "role": ("execution_role", f"arn:aws:iam::{ACCOUNT_ID}:role/{{name}}-absent"),
}


@pytest.mark.parametrize("resource", NAMED)
@pytest.mark.parametrize("said", [True, False])
def test_what_is_named_exists_whether_that_is_said_or_not(
    world: World, making: list[StackSpec], resource: str, said: bool
) -> None:
    key, form = NAMED[resource]
    others = dict.fromkeys(NAMED, "create") | {resource: "existing"}
    named = {key: form.format(name=world.bucket)}
    spec = described(**named, resources=others if said else {})
    shown: list[object] = []
    with pytest.raises(CheckFailed):
        prepare(spec, dry_run=False, show=shown.append)
    assert (making, len(shown)) == ([], 1)


@pytest.mark.parametrize("resource", NAMED)
def test_what_is_named_as_we_name_it_is_made(
    world: World, making: list[StackSpec], resource: str
) -> None:
    """A description that was filled by an earlier run stays the same one."""
    ours = layout(described(), ACCOUNT_ID, REGION)
    key, _ = NAMED[resource]
    spec = described(**{key: str(getattr(ours, key))})
    prepare(spec, dry_run=False)
    assert making == [spec]


def test_a_store_on_this_machine_is_not_asked_for_in_a_cloud(making: list[StackSpec]) -> None:
    spec = from_mapping({"name": "prod", "artifact_store": "/tmp/prod", "type": "local"})
    assert prepare(spec, dry_run=False).spec == spec
    assert making == []


def described(**more: object) -> StackSpec:
    keys = {"name": "prod", "type": "sagemaker", "region": REGION, "infra": "provision"}
    return from_mapping(keys | more)
