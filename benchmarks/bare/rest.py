"""Create, change or delete a remote stack with nothing but requests: ``rest.py WORK NAME``.

The server is at ``BENCH_URL``, its key in ``BENCH_KEY``.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import urllib.parse
from typing import Any

url = urllib.parse.urlsplit(os.environ["BENCH_URL"])
connection = http.client.HTTPConnection(str(url.hostname), url.port)
headers = {"Accept": "application/json"}
HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


def call(method: str, path: str, body: object = None, form: dict[str, str] | None = None) -> Any:
    """One request; what it answers."""
    data, kind = None, ""
    if form is not None:
        data, kind = urllib.parse.urlencode(form), "application/x-www-form-urlencoded"
    elif body is not None:
        data, kind = json.dumps(body), "application/json"
    sent = {**headers, **({"Content-Type": kind} if kind else {})}
    connection.request(method, f"/api/v1/{path}", data, sent)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status >= 300:
        sys.exit(f"{method} {path}: {answer.status} {text[:400]!r}")
    return json.loads(text) if text else None


def create(name: str) -> None:
    """Register a stack, its components and its connector in one call."""
    parts = {
        "orchestrator": ("kubernetes", "cluster", {"kubernetes_namespace": "default"}),
        "artifact_store": ("s3", "s3://my-bucket", {"path": "s3://my-bucket/kitaru"}),
        "container_registry": ("aws", HOST, {"uri": HOST}),
    }
    secret = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "x" * 40}
    connector = {
        "type": "aws",
        "auth_method": "secret-key",
        "configuration": {"region": "eu-west-1", **secret},
    }
    components = {
        kind: [
            {
                "flavor": flavor,
                "service_connector_index": 0,
                "service_connector_resource_id": resource,
                "configuration": configuration,
            }
        ]
        for kind, (flavor, resource, configuration) in parts.items()
    }
    body = {
        "name": name,
        "labels": {"kitaru.managed": "true"},
        "service_connectors": [connector],
        "components": components,
    }
    call("POST", "stacks", body)


def change(name: str) -> None:
    """Give its orchestrator another namespace."""
    (stack,) = call("GET", f"stacks?name={name}&hydrate=true")["items"]
    part = stack["metadata"]["components"]["orchestrator"][0]
    whole = call("GET", f"components/{part['id']}?hydrate=true")
    configuration = whole["metadata"]["configuration"] | {"kubernetes_namespace": sys.argv[3]}
    call("PUT", f"components/{part['id']}", {"configuration": configuration})


def delete(name: str) -> None:
    """Delete a stack, its components and its connector."""
    (stack,) = call("GET", f"stacks?name={name}&hydrate=true")["items"]
    call("DELETE", f"stacks/{stack['id']}")
    for members in stack["metadata"]["components"].values():
        for member in members:
            call("DELETE", f"components/{member['id']}")
    for found in call("GET", f"service_connectors?name={name}")["items"]:
        call("DELETE", f"service_connectors/{found['id']}")


key = {"grant_type": "zenml-api-key", "password": os.environ["BENCH_KEY"]}
headers["Authorization"] = f"Bearer {call('POST', 'login', form=key)['access_token']}"
{"create": create, "change": change, "delete": delete}[sys.argv[1]](sys.argv[2])
