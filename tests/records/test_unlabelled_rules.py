"""Which parts without the label came with a stack, and which are somebody's own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kitaru_iac.labels import MANAGED_LABEL
from kitaru_iac.records.applied import keeping
from kitaru_iac.records.diff import is_own_component
from kitaru_iac.records.model import ComponentRecord, ConnectorRecord, Records
from kitaru_iac.records.unlabelled import (
    component_lost_label,
    connector_lost_label,
    may_have_come_with,
)
from tests.records.snapshots import MANAGED, aws_records, local_records

APPLIED = {
    "aws": keeping(aws_records("s")).labels,
    "local": keeping(local_records("s")).labels,
    "unknown": MANAGED,
}


@pytest.mark.parametrize(
    ("applied", "now", "part", "lost", "own"),
    [
        ("aws", "kubernetes", {}, True, False),
        ("aws", "kubernetes", {"labels": {MANAGED_LABEL: "false"}}, True, False),
        ("aws", "kubernetes", {"labels": MANAGED}, False, True),
        ("aws", "kubernetes", {"name": "other"}, False, False),
        ("aws", "kubernetes", {"flavor": "gcp"}, False, False),
        ("aws", "kubernetes", {"type": "image_builder"}, False, False),
        ("aws", "custom", {}, True, False),
        ("aws", "local", {}, True, False),
        ("local", "local", {"flavor": "local"}, False, True),
        ("local", "custom", {"flavor": "local"}, False, True),
        ("local", "kubernetes", {"flavor": "local"}, False, True),
        ("local", "local", {}, False, False),
        ("local", "custom", {}, False, False),
        ("local", "local", {"type": "container_registry"}, False, False),
        ("unknown", "kubernetes", {}, True, False),
        ("unknown", "kubernetes", {"name": "other"}, False, False),
        ("unknown", "kubernetes", {"type": "image_builder"}, False, False),
        ("unknown", "local", {}, False, True),
        ("unknown", "local", {"type": "container_registry"}, False, False),
        ("unknown", "custom", {}, False, False),
    ],
)
def test_a_component_that_lost_its_label_is_told_from_somebody_s_own(
    applied: str, now: str, part: dict[str, Any], lost: bool, own: bool
) -> None:
    stack = Records("s", now, (), labels=APPLIED[applied])
    found = replace(ComponentRecord("artifact_store", "s", "s3"), **part)
    assert (component_lost_label(found, stack), is_own_component(found, stack)) == (lost, own)


@pytest.mark.parametrize(
    ("applied", "link", "lost"),
    [
        ("aws", {}, True),
        ("aws", {"labels": MANAGED}, False),
        ("aws", {"name": "other"}, False),
        ("aws", {"existing": True}, False),
        ("aws", {"type": "gcp"}, False),
        ("local", {}, False),
        ("unknown", {}, True),
        ("unknown", {"existing": True}, False),
    ],
)
def test_a_connector_that_lost_its_label_is_told_from_somebody_s_own(
    applied: str, link: dict[str, Any], lost: bool
) -> None:
    stack = Records("s", "kubernetes", (), labels=APPLIED[applied])
    found = replace(ConnectorRecord("s", "aws", "secret-key"), **link)
    assert connector_lost_label(found, stack) is lost


def test_a_connector_that_was_there_before_the_stack_came_with_none() -> None:
    before = ConnectorRecord("s", "aws", "secret-key", existing=True)
    labels = keeping(replace(aws_records("s"), connector=before)).labels
    stack = Records("s", "kubernetes", (), labels=labels)
    assert not connector_lost_label(replace(before, existing=False), stack)


@pytest.mark.parametrize(
    ("applied", "kind", "flavor", "may"),
    [
        ("aws", "artifact_store", "s3", True),
        ("aws", "artifact_store", "gcp", False),
        ("aws", "image_builder", "local", False),
        ("local", "artifact_store", "local", True),
        ("local", "container_registry", "default", False),
        ("unknown", "container_registry", "default", True),
    ],
)
def test_what_may_have_been_taken_out_was_applied(
    applied: str, kind: str, flavor: str, may: bool
) -> None:
    stack = Records("s", "kubernetes", (), labels=APPLIED[applied])
    assert may_have_come_with(ComponentRecord(kind, "s", flavor), stack) is may
