"""What is to be in a cluster that was made, in plans and results; the cloud is a table here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.infrastructure.results import InfrastructureResult
from kitaru_iac.notices import KitaruWarning, NamespaceNotMade
from kitaru_iac.plan.document import document
from kitaru_iac.plan.model import Action, Layer, Reason, Step
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations, planning

SPEC = from_mapping({"name": "dev", "activate": False})
MISSING = Step(
    Action.CREATE, "namespace", "ml", Layer.INFRASTRUCTURE, reason="in it", code=Reason.IN_CLUSTER
)
BUCKET = Step(Action.CREATE, "aws:s3/bucket:Bucket", "b", Layer.INFRASTRUCTURE)
UNSEEN = NamespaceNotMade("it may be missing: kubectl create namespace ml")

Cloud = Callable[..., list[bool]]


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Cloud]:
    """Says what a look finds, and what a run warns of; notes whether each only looked."""
    looks: list[bool] = []

    def says(
        *found: Step, warns: tuple[KitaruWarning, ...] = (), makes: tuple[KitaruWarning, ...] = ()
    ) -> list[bool]:
        def prepare(spec: Any, *, dry_run: bool, **_: object) -> InfrastructureResult:
            looks.append(dry_run)
            return InfrastructureResult(spec, found, {}, warnings=warns if dry_run else makes)

        monkeypatch.setattr(operations, "prepare", prepare)
        monkeypatch.setattr(planning, "prepare", prepare)
        looks.clear()
        return looks

    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path))
    with installed(MemoryGateway()):
        yield says


def test_a_creation_says_what_it_did_not_make(cloud: Cloud) -> None:
    cloud(BUCKET, makes=(UNSEEN,))
    assert UNSEEN in operations.create(SPEC).warnings


def test_a_cluster_that_lacks_it_gets_it_though_nothing_else_is_to_be_done(cloud: Cloud) -> None:
    cloud()
    operations.create(SPEC)
    looks = cloud(MISSING)
    done = operations.apply(SPEC)
    assert done.changed
    assert [step for step in done.plan.steps if step.action is not Action.KEEP] == [MISSING]
    assert looks == [True, False]
    looks = cloud()
    assert not operations.apply(SPEC).changed
    assert looks == [True]


def test_where_nobody_could_look_nothing_is_done_and_it_is_said(cloud: Cloud) -> None:
    cloud()
    operations.create(SPEC)
    looks = cloud(warns=(UNSEEN,))
    done = operations.apply(SPEC)
    assert not done.changed
    assert UNSEEN in done.warnings
    assert looks == [True]
    entry = planning.plan_stack(SPEC).to_dict()
    assert UNSEEN.to_dict() in entry["warnings"]
    assert (entry["has_changes"], entry["complete"]) == (False, True)


@pytest.mark.parametrize("makes", [(), (UNSEEN,)], ids=["was made", "was not"])
def test_what_a_look_left_open_counts_no_more_after_the_run(
    cloud: Cloud, makes: tuple[KitaruWarning, ...]
) -> None:
    cloud(BUCKET, warns=(UNSEEN,), makes=makes)
    done = operations.apply(SPEC)
    assert tuple(one for one in done.warnings if one == UNSEEN) == makes


def test_who_reviews_need_not_be_let_in(cloud: Cloud) -> None:
    """A plan of who may not look is what is applied by one who may, and the other way round."""
    cloud(BUCKET, warns=(UNSEEN,))
    unseen = planning.plan_stack(SPEC)
    cloud(BUCKET, MISSING)
    seen = planning.plan_stack(SPEC)
    assert unseen.digest == seen.digest
    assert document([unseen])["digest"] == document([seen])["digest"]
    looks = cloud(BUCKET, MISSING)
    assert planning.apply_planned(SPEC, unseen).changed
    assert looks == [True, False]
    looks = cloud(MISSING)
    reviewed = document([planning.plan_stack(SPEC)])
    cloud(warns=(UNSEEN,))
    (done,) = planning.apply_reviewed([SPEC], reviewed["digest"], reviewed=reviewed)
    assert not done.changed
    assert UNSEEN in done.warnings
