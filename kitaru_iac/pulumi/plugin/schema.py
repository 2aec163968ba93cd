"""The package's schema, from which SDKs for other languages are generated.

It is the same whichever extras are installed: it needs no cloud's SDK and no cloud's plugin.
"""

from __future__ import annotations

from typing import Any

from kitaru_iac.pulumi.keys import STACK_KEYS, VERIFY_KEYS, camel
from kitaru_iac.pulumi.plugin import enums
from kitaru_iac.pulumi.plugin.components import schema as components_schema
from kitaru_iac.pulumi.plugin.functions import VERIFY
from kitaru_iac.pulumi.plugin.package import languages, metadata, with_examples
from kitaru_iac.pulumi.plugin.properties import description_properties, input_of
from kitaru_iac.pulumi.stack import STACK_TOKEN
from kitaru_iac.spec.kinds import Cloud

__all__ = ["schema"]

_TEXT = {"type": "string"}
_RESULT = "kitaru:index:CheckResult"

#: What the provider says of a stack beside its description.
_COMPUTED: dict[str, Any] = {
    "componentIds": {
        "description": "The UUIDs of the ZenML components by type, as `artifact_store`.",
        "type": "object",
        "additionalProperties": _TEXT,
    },
    "connectorId": {**_TEXT, "description": "The UUID of the service connector."},
    "connectorType": {
        **_TEXT,
        "description": f"The service connector's type: {', '.join(Cloud)}.",
    },
    "connectorAuthMethod": {
        **_TEXT,
        "description": "ZenML's name of the connector's method, as `secret-key`.",
    },
    "serverId": {
        **_TEXT,
        "description": "The UUID of the ZenML server that the stack is on. It stays when the "
        "server's address changes.",
    },
    "server": {**_TEXT, "description": "The server's address, or the file of a local store."},
    "ownerUrn": {
        **_TEXT,
        "description": "The URN of the resource that the stack's record names as its owner.",
    },
    "ownerRun": {
        **_TEXT,
        "description": "A token on the stack's record that says whose it is.",
    },
    "drift": {
        "description": "What a refresh found changed that no other property says, a line each. "
        "The next update repairs it.",
        "type": "array",
        "items": _TEXT,
    },
}

_CONFIGURATION: dict[str, Any] = {
    "url": {
        **_TEXT,
        "description": "The address of the ZenML server. Left out, stacks are registered where "
        "the machine is connected to. `local` is this machine's local store.",
        "defaultInfo": {"environment": ["KITARU_SERVER_URL", "ZENML_STORE_URL"]},
    },
    "apiKey": {
        **_TEXT,
        "description": "The API key of a service account. One that comes from the environment is "
        "used for no other server than the environment names.",
        "secret": True,
        "defaultInfo": {"environment": ["KITARU_AUTH_TOKEN", "ZENML_STORE_API_KEY"]},
    },
    "verifySsl": {
        "type": "boolean",
        "description": "Whether the server's certificate is verified. True if left out.",
    },
}

_CHECK: dict[str, Any] = {
    "id": {**_TEXT, "description": "The check's id in the catalog."},
    "status": {**enums.reference("CheckStatus"), "description": "ok, warn, fail or unknown."},
    "subject": {**_TEXT, "description": "What was checked."},
    "why": {**_TEXT, "description": "The observation that decided it."},
    "remedy": {**_TEXT, "description": "A command that fixes it."},
    "docs": {**_TEXT, "description": "The cloud's own page about it."},
    "missingPermission": {
        **_TEXT,
        "description": "For unknown: the missing permission that prevented the check.",
    },
    "caveat": {**_TEXT, "description": "For ok: what was not checked, and may still matter."},
}


_STACK = (
    "A Kitaru stack, registered in ZenML with its components and its service connector. The "
    "resource's id is the ZenML stack's UUID. A change is made in place, and the stack keeps its "
    "id; another name, type, or method of the connector's credentials replaces it."
)
_VERIFY = (
    "Checks that the infrastructure that a description names is fit. It only reads. A failed check "
    "ends the preview with the report, unless `allowFailures` is set."
)


def schema() -> dict[str, Any]:
    """The schema as plain data, as ``pulumi package get-schema`` prints it."""
    parts = components_schema()
    return {
        **metadata(),
        "config": {"variables": _CONFIGURATION},
        "provider": {
            "description": "Which ZenML server stacks are registered on.",
            "inputProperties": _CONFIGURATION,
            "properties": _CONFIGURATION,
        },
        "resources": {STACK_TOKEN: _stack(), **parts["resources"]},
        "functions": {VERIFY: _verify()},
        "types": {_RESULT: _check_result(), **enums.schema(), **parts["types"]},
        "language": languages(),
    }


def _stack() -> dict[str, Any]:
    properties = description_properties(STACK_KEYS)
    # Of a stack that is only read it may be another one than a description can have.
    properties["type"] = {
        **_TEXT,
        "description": "Where the flows run; `custom` for what no description can say.",
    }
    return {
        "description": with_examples(STACK_TOKEN, _STACK),
        "inputProperties": {camel(key): input_of(key) for key in STACK_KEYS},
        "properties": {**properties, **_COMPUTED},
        "required": ["name", "type", "componentIds", "drift"],
    }


def _verify() -> dict[str, Any]:
    properties = description_properties(VERIFY_KEYS)
    for property_ in properties.values():
        property_.pop("secret", None)
    return {
        "description": with_examples(VERIFY, _VERIFY),
        "inputs": {
            "type": "object",
            "properties": {
                **properties,
                "allowFailures": {
                    "type": "boolean",
                    "description": "Give the report even if a check failed.",
                },
            },
        },
        "outputs": {
            "type": "object",
            "properties": {
                "stack": {**_TEXT, "description": "The stack's name."},
                "worst": {
                    **enums.reference("CheckStatus"),
                    "description": "The worst status, in the order fail, unknown, warn, ok.",
                },
                "failed": {
                    "type": "boolean",
                    "description": "Whether a check failed. Unknown is no failure.",
                },
                "report": {**_TEXT, "description": "The report as text."},
                "results": {
                    "type": "array",
                    "items": {"$ref": f"#/types/{_RESULT}"},
                    "description": "One result per check.",
                },
            },
            "required": ["stack", "failed", "report", "results"],
        },
    }


def _check_result() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "What one check found.",
        "properties": _CHECK,
        "required": ["id", "status", "subject", "why"],
    }
