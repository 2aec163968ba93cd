"""What ZenML writes into a component by itself is no difference, no drift, and nobody's change."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from kitaru_iac.clouds.aws.records import desired
from kitaru_iac.gateway.documents import ComponentChange, ComponentDoc
from kitaru_iac.labels import APPLIED_LABEL
from kitaru_iac.plan.model import Action
from kitaru_iac.records.applied import drifted, keeping
from kitaru_iac.records.applied_label import applied_records
from kitaru_iac.records.diff import diff
from kitaru_iac.records.model import Records
from kitaru_iac.records.taking_back import taken_back
from kitaru_iac.spec import from_mapping
from kitaru_iac.values import replace

SAGEMAKER = {
    "name": "prod",
    "type": "sagemaker",
    "region": "eu-west-1",
    "artifact_store": "s3://data/a",
    "container_registry": "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    "execution_role": "arn:aws:iam::123456789012:role/runner",
    "credentials": "aws-profile:p",
}


def described(**fields: Any) -> Records:
    return desired(from_mapping({**SAGEMAKER, "extra": {"orchestrator": fields}}))


def stored(records: Records, **fields: Any) -> Records:
    parts = tuple(
        replace(part, configuration={**part.configuration, **fields}, filled={})
        if part.type == "orchestrator"
        else replace(part, filled={})
        for part in records.components
    )
    return replace(records, components=parts)


def test_what_zenml_filled_in_is_taken_back_with_the_change_that_it_came_with() -> None:
    new = described(synchronous=False).components[0]
    old = described(synchronous=True).components[0]
    assert new.type == "orchestrator"
    change = ComponentChange(configuration=new.configuration)
    back = ComponentChange(configuration=old.configuration)

    def doc(**fields: Any) -> ComponentDoc:
        stored = {**new.configuration, **fields}
        now = datetime(2026, 1, 1, tzinfo=UTC)
        return ComponentDoc("1", new.type, "prod", new.flavor, stored, {}, None, None, now)

    filled_in = doc(instance_type="ml.m5.xlarge")
    assert taken_back(filled_in, change, back, written=new) == (back, False, False)
    assert taken_back(filled_in, change, back) == (None, True, True)
    other = doc(instance_type="ml.p3.2xlarge")
    assert taken_back(other, change, back, written=new) == (None, True, True)


@pytest.mark.parametrize("filled", [[], None, {"instance_type": "ml.m5.xlarge"}, 1])
def test_a_record_of_what_was_applied_that_is_damaged_is_none(filled: object) -> None:
    labels = dict(keeping(described()).labels)
    kept = json.loads(labels[APPLIED_LABEL])
    kept["components"][0]["filled"] = filled
    assert applied_records({**labels, APPLIED_LABEL: json.dumps(kept)}) is None


@pytest.mark.parametrize(
    ("fields", "written", "differs"),
    [
        ({}, {"instance_type": "ml.m5.xlarge"}, []),
        ({}, {}, []),
        ({"use_training_step": False}, {"instance_type": "ml.t3.medium"}, []),
        ({"use_training_step": False}, {"instance_type": "ml.m5.xlarge"}, ["instance_type"]),
        ({}, {"instance_type": "ml.p3.2xlarge"}, ["instance_type"]),
        ({}, {"instance_type": "ml.m5.xlarge", "volume_size_in_gb": 9}, ["volume_size_in_gb"]),
        ({"instance_type": "ml.c5.large"}, {"instance_type": "ml.m5.xlarge"}, ["instance_type"]),
        ({"instance_type": "ml.m5.xlarge"}, {"instance_type": "ml.m5.xlarge"}, []),
    ],
)
def test_what_zenml_fills_in_is_no_difference(
    fields: dict[str, Any], written: dict[str, Any], differs: list[str]
) -> None:
    wanted = keeping(described(**fields))
    now = stored(wanted, **written)
    named = [f"configuration.{field}" for field in differs]
    steps = diff(wanted, now)
    assert [change.field for step in steps for change in step.changes] == named
    applied = applied_records(now.labels)
    assert applied is not None
    seen = [step for step in drifted(applied, now) if step.action is Action.UPDATE]
    assert [change.field for step in seen for change in step.changes] == named
