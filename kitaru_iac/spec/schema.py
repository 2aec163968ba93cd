"""The JSON Schema of a description's file, for editors and other checkers.

It says as much of the rules as a schema can: kinds, shapes, what each type has and needs. What two
values owe each other (the registry's region and `region`) is said by `load` alone, so a file that
the schema accepts may still be refused. What the schema refuses, `load` refuses too, but for keys
that are left empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kitaru_iac.labels import OUR_LABELS
from kitaru_iac.spec import names
from kitaru_iac.spec.annotations import LABEL_NAME, LONGEST_VALUE, MOST, PATH
from kitaru_iac.spec.fields import FIELDS
from kitaru_iac.spec.infrastructure import OPTIONS, Option, Shape
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.resources import EXTRA_TARGETS, RESOURCES
from kitaru_iac.spec.rows import FieldInfo, Kind
from kitaru_iac.spec.variables import FORM_PATTERN, WITHOUT

__all__ = ["json_schema"]

_S3, _GCS, _BLOB = "[sS]3://", "[gG][sS]://", "([aA][zZ]|[aA][bB][fF][sS][sS]?)://"
_FOLDER = r"([/~]|\.{1,2}(/|$)|[fF][iI][lL][eE]:)"
_GOOGLE_REGISTRY = r"(\.[pP][kK][gG]\.[dD][eE][vV]|[gG][cC][rR]\.[iI][oO])/"
_STORES = {
    StackType.LOCAL: f"^({_S3}|{_GCS}|{_BLOB}|{_FOLDER})",
    StackType.KUBERNETES: f"^({_S3}|{_GCS}|{_BLOB})",
    StackType.VERTEX: f"^{_GCS}",
    StackType.SAGEMAKER: f"^{_S3}",
    StackType.AZUREML: f"^{_BLOB}",
}
_EXAMPLES: list[dict[str, Any]] = [
    {"name": "dev"},
    {
        "name": "prod-k8s",
        "type": "kubernetes",
        "artifact_store": "s3://my-bucket/kitaru",
        "container_registry": "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        "cluster": "prod-cluster",
        "region": "eu-west-1",
    },
    {
        "name": "prod-vertex",
        "type": "vertex",
        "artifact_store": "gs://my-bucket/kitaru",
        "container_registry": "us-central1-docker.pkg.dev/my-project/my-repo",
        "region": "us-central1",
        "async": True,
        "extra": {
            "orchestrator": {"pipeline_root": "gs://my-bucket/vertex-root"},
            "container_registry": {"default_repository": "agents"},
        },
    },
    {
        "name": "prod-sagemaker",
        "type": "sagemaker",
        "region": "eu-west-1",
        "infra": "provision",
        "resources": {"role": "create"},
    },
]


def json_schema(*, variables: bool = True) -> dict[str, Any]:
    """The schema, draft 7, as plain data.

    Args:
        variables: Whether ``${env:NAME}`` may stand in values, as in a file.

    To use it in an editor, write it to a file with ``kitaru stack schema``, and put
    ``# yaml-language-server: $schema=PATH`` into the description's first line.
    """
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Kitaru stack",
        "description": "What a stack is made of: where flows run, where artifacts and images lie.",
        "type": "object",
        "properties": {
            key: _with_variables(_property(info))
            if variables and key not in WITHOUT
            else _property(info)
            for key, info in FIELDS.items()
        },
        "required": ["name"],
        "additionalProperties": False,
        "allOf": [
            {
                "not": {"required": ["connector", "credentials"]},
                "description": "An existing connector has its own credentials.",
            },
            *(_for_type(type_) for type_ in StackType),
        ],
        "examples": _EXAMPLES,
    }


def _property(info: FieldInfo) -> dict[str, Any]:
    found: dict[str, Any] = {"description": info.description}
    if info.kind is Kind.SWITCH:
        return found | {"type": "boolean", "default": info.default}
    if info.kind is Kind.MAPPING and info.choices:
        return found | {
            "type": "object",
            "additionalProperties": {"type": "string", "enum": list(info.choices)},
        }
    if info.key == "infrastructure":
        return found | {
            "type": "object",
            "properties": {key: _option(option) for key, option in OPTIONS.items()},
            "additionalProperties": False,
        }
    if info.key == "labels":
        return found | {
            "type": "object",
            "maxProperties": MOST,
            "propertyNames": {
                "pattern": f"^(?:{LABEL_NAME})$",
                "not": {"pattern": f"^{re.escape(OUR_LABELS)}"},
            },
            "additionalProperties": {"type": "string", "minLength": 1, "maxLength": LONGEST_VALUE},
        }
    if info.kind is Kind.LIST:
        items = {"type": "string", "pattern": f"^(?:{PATH})$"}
        return found | {"type": "array", "items": items, "uniqueItems": True, "maxItems": MOST}
    if info.kind is Kind.MAPPING:
        return found | {
            "type": "object",
            "properties": {
                target: {
                    "description": f"Fields of ZenML's {target.replace('_', ' ')}.",
                    "type": "object",
                    "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
                }
                for target in EXTRA_TARGETS
            },
            "additionalProperties": False,
        }
    found["type"] = "string"
    found |= {"enum": list(info.choices)} if info.choices else {"minLength": 1}
    if info.key in names.PATTERNS:
        found["pattern"] = f"^(?:{names.PATTERNS[info.key]})$"
    found |= info.schema or {}
    if info.default is not None:
        found["default"] = info.default
    if info.examples:
        found["examples"] = list(info.examples)
    return found


def _with_variables(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema whose texts may hold variables too, wherever it says what they look like."""
    found: dict[str, Any] = {}
    for word, value in schema.items():
        if word == "pattern":
            found[word] = f"(?:{value})|{FORM_PATTERN}"
        elif word == "enum" and all(isinstance(choice, str) for choice in value):
            found["anyOf"] = [{"enum": value}, {"pattern": FORM_PATTERN}]
        elif isinstance(value, Mapping) and word not in {"propertyNames", "not"}:
            found[word] = _with_variables(value)
        else:
            found[word] = value
    return found


def _option(option: Option) -> dict[str, Any]:
    kind = {Shape.TEXT: "string", Shape.NUMBER: "integer", Shape.LIST: "array"}
    kind[Shape.SWITCH] = "boolean"
    found = {"description": option.description, "type": kind.get(option.shape, "object")}
    return {**found, **option.schema}


def _for_type(type_: StackType) -> dict[str, Any]:
    condition: dict[str, Any] = {"properties": {"type": {"const": str(type_)}}}
    if type_ is not StackType.LOCAL:
        condition["required"] = ["type"]
    properties: dict[str, Any] = {}
    for key, info in FIELDS.items():
        if type_ not in info.types:
            # `async: false` says nothing, and is allowed everywhere.
            properties[key] = {"const": False} if info.kind is Kind.SWITCH else False
    properties["artifact_store"] = {"pattern": f"{_STORES[type_]}|{FORM_PATTERN}"}
    properties["resources"] = {"propertyNames": {"enum": list(RESOURCES[type_])}}
    then: dict[str, Any] = {"properties": properties}
    if always := [key for key, info in FIELDS.items() if type_ in info.required]:
        then["required"] = always
    named = [key for key in RESOURCES[type_].values() if key and key != "resource_group"]
    further = []
    if type_ is not StackType.LOCAL:
        further.append(
            {
                "if": {"properties": {"infra": {"const": "provision"}}, "required": ["infra"]},
                "else": {"required": named},
            }
        )
    if type_ is StackType.LOCAL:
        further += _on_cloud(_S3, connector_has=["region"])
        further += _on_cloud(_GCS, connector_has=["project"])
    elif type_ is StackType.KUBERNETES:
        further += _on_cloud(_S3, needs=["region"])
        further += _on_cloud(_GCS, needs=["region"])
        further += _on_cloud(_BLOB, needs=["subscription_id", "resource_group"])
        further.append(_project_told())
    if further:
        then["allOf"] = further
    return {"if": condition, "then": then}


def _on_cloud(
    store: str, *, needs: list[str] | None = None, connector_has: list[str] | None = None
) -> list[dict[str, Any]]:
    """What a stack on this store needs, always or unless an existing connector knows it."""
    then: dict[str, Any] = {"required": needs or []}
    if connector_has:
        then = {"anyOf": [{"required": connector_has}, {"required": ["connector"]}]}
    condition = {
        "properties": {"artifact_store": {"type": "string", "pattern": f"^{store}"}},
        "required": ["artifact_store"],
    }
    return [{"if": condition, "then": then}]


def _project_told() -> dict[str, Any]:
    return {
        "if": {
            "properties": {
                "artifact_store": {"type": "string", "pattern": f"^{_GCS}"},
                "container_registry": {
                    "type": "string",
                    "not": {"pattern": f"{_GOOGLE_REGISTRY}|{FORM_PATTERN}"},
                },
            },
            "required": ["artifact_store", "container_registry"],
        },
        "then": {"anyOf": [{"required": ["project"]}, {"required": ["connector"]}]},
    }
