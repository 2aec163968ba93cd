from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonschema import Draft7Validator

from kitaru_iac.errors import DescriptionError
from kitaru_iac.spec import from_mapping, json_schema
from kitaru_iac.spec.fields import FIELDS
from kitaru_iac.spec.yaml_file import YamlError, read_text
from tests.spec.bad_inputs import BAD_INPUTS, GOOD, SECRET, BadInput
from tests.spec.test_yaml_file import PAGE

VALIDATOR = Draft7Validator(json_schema())


def errors(mapping: dict[str, Any]) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(mapping)]


def test_it_is_a_schema_and_json():
    Draft7Validator.check_schema(json_schema())
    assert json.loads(json.dumps(json_schema())) == json_schema()
    assert list(json_schema()["properties"]) == list(FIELDS)
    for info in json_schema()["properties"].values():
        assert info["description"].endswith(".")


@pytest.mark.parametrize("base", GOOD)
def test_good_descriptions_are_valid(base):
    assert errors({"name": "prod", **GOOD[base]}) == []


def test_the_page_s_file_is_valid():
    assert errors(read_text(PAGE, "stack.yaml").data) == []


def test_its_own_examples_are_valid_for_it_and_for_the_loader():
    for example in json_schema()["examples"]:
        assert errors(example) == []
        from_mapping(example)
    for key, info in FIELDS.items():
        for example in info.examples:
            schema = json_schema()["properties"][key]
            assert not list(Draft7Validator(schema).iter_errors(example)), (key, example)


def _as_mapping(row: BadInput) -> dict[str, Any] | None:
    """What a row says as YAML keys; None where it is no mapping at all."""
    mapping: dict[str, Any] = {}
    if isinstance(row.yaml, bytes):
        return None
    if row.yaml is not None:
        try:
            document = read_text(row.yaml, "stack.yaml")
        except YamlError:
            return None
        if document.problems:
            return None
        mapping = {key: value for key, value in document.data.items() if value is not None}
    words = iter(row.argv)
    for word in words:
        if word in {"-f", "--extra"}:
            if next(words) != "stack.yaml":
                return None
        elif word == "--async":
            mapping["async"] = True
        elif word.startswith("--"):
            mapping[word[2:].replace("-", "_")] = next(words)
        else:
            mapping["name"] = word
    return mapping


# What two values owe each other, what stands elsewhere, and the finer rules of single names.
_BEYOND_A_SCHEMA = re.compile(
    r"(store|local|registry|region|cluster|credentials|name-uuid|project-other|project-shape"
    r"|extra|eks|gke|aks|azureml-ecr|vertex-(ecr|hub)|sagemaker-ghcr|role-(china|session)"
    r"|provision|resources-(create|none|other|existing)|connector-long|file-(region|flag|near|folder)"
    r"|file-missing|missing-project-gcs).*"
)


@pytest.mark.no_cover
def test_what_the_schema_refuses_the_loader_refuses_too():
    refused = 0
    for row in BAD_INPUTS:
        mapping = _as_mapping(row)
        if mapping is None:
            continue
        with pytest.raises(DescriptionError):
            from_mapping(mapping)
        if errors(mapping):
            refused += 1
        else:
            assert _BEYOND_A_SCHEMA.fullmatch(row.id), row.id
    assert refused > 100
    assert SECRET not in json.dumps(json_schema())


@pytest.mark.parametrize(
    "mapping",
    [
        {},
        {"name": "dev", "cluster": "c"},
        {"name": "dev", "activate": "yes"},
        {"name": "prod", "type": "vertex"},
        {"name": "prod", **GOOD["vertex"], "cluster": "c"},
        {"name": "prod", **GOOD["vertex"], "artifact_store": "s3://b-b"},
        {"name": "prod", **GOOD["vertex"], "connector": "c", "credentials": "implicit"},
        {"name": "prod", **GOOD["vertex"], "extra": {"runner": {}}},
        {"name": "prod", **GOOD["vertex"], "resources": {"cluster": "create"}},
        {"name": "prod", "type": "sagemaker", "infra": "provision"},
    ],
)
def test_bad_descriptions_are_not_valid(mapping):
    assert errors(mapping)
