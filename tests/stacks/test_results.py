"""What a created stack is said to be made of."""

from __future__ import annotations

import pytest

from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.fields import FIELDS
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.rows import FieldInfo, Place, Stored
from kitaru_iac.stacks.results import named_resources

VERTEX = {
    "name": "ml",
    "type": "vertex",
    "artifact_store": "gs://team/kitaru",
    "container_registry": "europe-west1-docker.pkg.dev/my-project/team",
    "region": "europe-west1",
    "project": "my-project",
}


def test_the_resources_of_a_remote_stack_are_named() -> None:
    assert named_resources(from_mapping(VERTEX)) == {
        "provider": "gcp",
        "artifact_store": "gs://team/kitaru",
        "container_registry": "europe-west1-docker.pkg.dev/my-project/team",
        "region": "europe-west1",
        "project": "my-project",
    }
    assert named_resources(from_mapping({"name": "dev"})) == {}


def test_every_field_of_a_part_is_one() -> None:
    assert {key for key, info in FIELDS.items() if info.names_resource} == {
        *("artifact_store", "container_registry", "cluster", "region", "namespace", "project"),
        *("execution_role", "subscription_id", "resource_group", "workspace"),
    }


@pytest.mark.parametrize(
    ("stored", "named"),
    [
        (None, False),
        (Stored((Place("stack", "name"),)), False),
        (Stored((Place("orchestrator", "pods"),)), True),
        (Stored((), shown_from=(Place("connector", "zone"),)), True),
    ],
)
def test_a_new_row_is_one_by_where_it_is_stored(stored: Stored | None, named: bool) -> None:
    where = None if stored is None else {StackType.VERTEX: stored}
    assert FieldInfo("new", "A new field.", stored=where).names_resource is named
