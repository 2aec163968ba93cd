"""What was made, put back into the description: its keys, and fields of ``extra``."""

from __future__ import annotations

from kitaru_iac.clouds.outputs import IN_EXTRA, filled
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.model import StackSpec
from kitaru_iac.spec.resources import EXTRA_TARGETS

ACCOUNT = "kitaru-prod@my-project.iam.gserviceaccount.com"


def described(**extra: object) -> StackSpec:
    given = {"name": "prod", "type": "vertex", "region": "europe-west1", "project": "my-project"}
    return from_mapping({**given, "infra": "provision", "extra": {"orchestrator": extra}})


def test_an_output_that_is_no_key_goes_into_extra_beside_what_is_there() -> None:
    spec = described(location="europe-west1")
    found = filled(spec, {"workload_service_account": ACCOUNT, "region": "europe-west1"})
    assert found.extra.orchestrator == {
        "location": "europe-west1",
        "workload_service_account": ACCOUNT,
    }
    assert spec.extra.orchestrator == {"location": "europe-west1"}


def test_without_one_extra_stays_as_it_is() -> None:
    spec = described(location="europe-west1")
    assert filled(spec, {"workload_service_account": None}).extra == spec.extra
    assert filled(spec, {}).extra == spec.extra


def test_such_outputs_fill_components_that_extra_knows() -> None:
    assert {place.component for place in IN_EXTRA.values()} <= set(EXTRA_TARGETS)
