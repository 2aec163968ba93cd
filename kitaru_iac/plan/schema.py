"""The JSON Schema of the plan's format, for whoever reads plans.

It allows keys that it does not list: a later minor version may add them.
"""

from __future__ import annotations

from typing import Any

from kitaru_iac.plan.document import FORMAT_VERSION

__all__ = ["plan_schema"]

_MAJOR = FORMAT_VERSION.partition(".")[0]
_TEXT = {"type": "string"}
_TEXT_OR_NULL = {"type": ["string", "null"]}
_PATHS = {"type": "array", "items": _TEXT}
_COUNT = {"type": "integer", "minimum": 0}
_DIGEST = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
_ANY: dict[str, Any] = {}


def plan_schema() -> dict[str, Any]:
    """Give the schema, draft 7, as plain data."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Kitaru plan",
        "description": "What would be done for one or more stacks, in the cloud and in ZenML.",
        **_object(
            {
                "format_version": {
                    "type": "string",
                    "pattern": rf"^{_MAJOR}\.[0-9]+$",
                    "description": "Refuse another major version; pass over what a later minor "
                    "version adds.",
                },
                "kitaru_version": _TEXT,
                "store": _said(
                    _TEXT_OR_NULL, "`local`, or the server's address; null where no stack was read."
                ),
                "stacks": {"type": "array", "items": _stack()},
                "digest": _said(_DIGEST, "Of what would be done and was asked for, in all stacks."),
                "complete": _said(
                    {"type": "boolean"},
                    "False where a check's answer is unknown, or a stack has no plan.",
                ),
                "applyable": _said(
                    {"type": "boolean"}, "Whether nothing is known that would stop an apply."
                ),
                "summary": _summary(),
            }
        ),
    }


def _stack() -> dict[str, Any]:
    return _object(
        {
            "stack": _TEXT,
            "source": _said(_TEXT_OR_NULL, "The file that describes it."),
            "has_changes": {"type": "boolean"},
            "complete": {"type": "boolean"},
            "applyable": {"type": "boolean"},
            "digest": _said(_DIGEST, "Of this stack alone."),
            "description": _said(
                {"type": "object"}, "The keys of stack.yaml, in canonical form, without secrets."
            ),
            "sensitive": _said(_PATHS, "Paths of this entry whose values are secret, and hidden."),
            "changes": {"type": "array", "items": _change()},
            "drift": {
                "type": ["array", "null"],
                "items": _change(),
                "description": "What differs from what was applied, as changes from that to what "
                "is; null where nobody looked, or nobody kept it.",
            },
            "checks": {
                "type": "array",
                "items": _object(
                    {
                        "id": _TEXT,
                        "status": {"type": "string", "enum": ["ok", "warn", "fail", "unknown"]},
                        "subject": _TEXT,
                        "why": _TEXT,
                    }
                ),
            },
            "warnings": {
                "type": "array",
                "items": _object({"code": _TEXT, "message": _TEXT}),
            },
            "error": {
                "type": ["object", "null"],
                "description": "Why there is no plan for this stack.",
            },
        }
    )


def _change() -> dict[str, Any]:
    found = _object(
        {
            "layer": _said(_TEXT, "`infrastructure`, `records` or `machine`."),
            "address": _said(
                _TEXT, "The same in every run, for as long as the thing is described."
            ),
            "previous_address": _said(_TEXT_OR_NULL, "Where it had another address before."),
            "kind": _TEXT,
            "name": _TEXT,
            "actions": {
                "type": "array",
                "items": _TEXT,
                "minItems": 1,
                "description": "In order: `no-op`, `create`, `update`, `delete`; `create` and "
                "`delete` replace. One that a reader does not know counts as a change.",
            },
            "reason": {
                "type": ["object", "null"],
                "properties": {"code": _TEXT, "text": _TEXT},
                "required": ["code", "text"],
            },
            "changed": {
                "type": "array",
                "items": _object(
                    {
                        "path": _TEXT,
                        "op": {"type": "string", "enum": ["add", "change", "remove"]},
                        "before": _ANY,
                        "after": _ANY,
                    }
                ),
            },
            "sensitive": _said(
                _PATHS, "Paths in `changed` whose values are secret: both are null."
            ),
            "unknown": _said(
                _PATHS, "Paths in `changed` of which no value is told: both are null."
            ),
            "used_by": _said(_PATHS, "What else uses the thing, as `stack prod`."),
        }
    )
    found["properties"]["undigested"] = _said(
        _PATHS, "Paths in `changed` that the digest passes over; absent where there are none."
    )
    return found


def _summary() -> dict[str, Any]:
    counts = (
        *("stacks", "with_changes", "failed", "create", "update", "replace", "delete", "other"),
        *("no_op", "checks_failed", "checks_unknown"),
    )
    return _object(dict.fromkeys(counts, _COUNT))


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _said(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {**schema, "description": description}
