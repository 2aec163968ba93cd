"""What was made and is no key of a description: it reaches the registered stack in ``extra``."""

from __future__ import annotations

from typing import Any

import pytest

from kitaru_iac.clouds.outputs import IN_EXTRA
from kitaru_iac.pulumi.provisioned import _filled, _with

KEY = "workload_service_account"
EMAIL = "kitaru-prod-run@my-project.iam.gserviceaccount.com"


@pytest.mark.parametrize(
    ("extra", "value", "filled"),
    [
        ({}, EMAIL, {"orchestrator": {KEY: EMAIL}}),
        ({"orchestrator": {"location": "eu"}}, EMAIL,
         {"orchestrator": {"location": "eu", KEY: EMAIL}}),
        ({"artifact_store": {"a": 1}}, EMAIL, {"artifact_store": {"a": 1},
                                               "orchestrator": {KEY: EMAIL}}),
        ({"orchestrator": {"location": "eu"}}, None, {"orchestrator": {"location": "eu"}}),
        ({"orchestrator": None}, EMAIL, {"orchestrator": {KEY: EMAIL}}),
    ],
)  # fmt: skip
def test_it_stands_beside_what_was_given(
    extra: dict[str, Any], value: str | None, filled: dict[str, Any]
) -> None:
    assert _filled(IN_EXTRA[KEY], [extra, value]) == filled


def test_keys_of_a_description_are_laid_over_it() -> None:
    given = {"name": "prod", "region": "europe-west1"}
    made = {"artifact_store": "gs://data", "region": "europe-west1"}
    assert _with(given, made) == {**given, **made}
