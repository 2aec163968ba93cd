"""What moto's EKS lacks: add-ons, access entries and the identity of pods, kept in memory.

It stands before moto in its process. Whoever makes a cluster has an access entry, as in AWS.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs, unquote

Store = dict[tuple[str, str], dict[str, Any]]
Answer = tuple[int, dict[str, Any]]

_ACCOUNT, _REGION = "123456789012", "eu-west-1"
_ADMINISTRATOR = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
_CREATORS = (":user/moto", ":user/administrator", ":root")
_LISTS = {"addons": "addon", "access-entries": "accessEntry",
          "pod-identity-associations": "association"}  # fmt: skip


class EksParts:
    """A WSGI application before another one, which gets what is not meant here."""

    def __init__(self, below: Callable[..., Iterable[bytes]]) -> None:
        self._below = below
        self._kept: dict[str, Store] = {kind: {} for kind in _LISTS}

    def __call__(self, environ: dict[str, Any], respond: Callable[..., Any]) -> Iterable[bytes]:
        path = str(environ.get("REQUEST_URI") or environ["PATH_INFO"]).partition("?")[0]
        if path.endswith("/moto-api/reset"):
            self._kept = {kind: {} for kind in _LISTS}
        parts = [unquote(part) for part in path.strip("/").split("/")]
        if len(parts) < 3 or parts[0] != "clusters" or parts[2] not in _LISTS:
            return self._below(environ, respond)
        size = int(environ.get("CONTENT_LENGTH") or 0)
        body = json.loads(environ["wsgi.input"].read(size) or b"{}") if size else {}
        query = {k: v[0] for k, v in parse_qs(environ.get("QUERY_STRING", "")).items()}
        status, answer = self._answer(environ["REQUEST_METHOD"], parts[1:], body, query)
        headers = [("Content-Type", "application/json"), ("x-amzn-RequestId", uuid.uuid4().hex)]
        if status == 404:
            headers.append(("x-amzn-ErrorType", "ResourceNotFoundException"))
        elif status == 409:
            headers.append(("x-amzn-ErrorType", "ResourceInUseException"))
        respond(f"{status} .", headers)
        return [json.dumps(answer).encode()]

    def _answer(
        self, method: str, parts: list[str], body: dict[str, Any], query: dict[str, str]
    ) -> Answer:
        cluster, kind, *rest = parts
        store, noun = self._kept[kind], _LISTS[kind]
        if not rest and method == "POST":
            return self._make(cluster, kind, body)
        if not rest:
            found = [
                item for (of, _), item in store.items()
                if of == cluster and all(item.get(k) == v for k, v in query.items())
            ]  # fmt: skip
            if kind == "addons":
                return 200, {"addons": [item["addonName"] for item in found]}
            return 200, {"associations": found}
        key = (cluster, rest[0])
        if key not in store and kind == "access-entries" and rest[0].endswith(_CREATORS):
            self._make(cluster, kind, {"principalArn": rest[0]})
            store[key]["policies"] = [
                {
                    "policyArn": _ADMINISTRATOR,
                    "accessScope": {"type": "cluster"},
                }
            ]
        if key not in store:
            return 404, {"message": f"no {noun} {rest[0]}"}
        item = store[key]
        if len(rest) > 1 and rest[1] == "access-policies":
            return self._policies(method, item, rest[2:], body)
        if method == "DELETE":
            del store[key]
        elif method == "POST":
            item.update(body)
        return 200, {noun: {k: v for k, v in item.items() if k != "policies"}}

    def _make(self, cluster: str, kind: str, body: dict[str, Any]) -> Answer:
        store, noun = self._kept[kind], _LISTS[kind]
        key = body.get("addonName") or body.get("principalArn")
        if kind == "pod-identity-associations":
            whose = (body["namespace"], body["serviceAccount"])
            if any((i["namespace"], i["serviceAccount"]) == whose and of == cluster
                   for (of, _), i in store.items()):  # fmt: skip
                return 409, {"message": "there is one already"}
            key = f"a-{uuid.uuid4().hex[:17]}"
            body = {**body, "associationId": key}
        if (cluster, str(key)) in store:
            return 409, {"message": f"{key} exists"}
        arn = f"arn:aws:eks:{_REGION}:{_ACCOUNT}:{noun.lower()}/{cluster}/{uuid.uuid4()}"
        store[cluster, str(key)] = {
            **body, f"{noun}Arn": arn, "clusterName": cluster, "status": "ACTIVE", "policies": [],
            "tags": body.get("tags") or {},
        }  # fmt: skip
        return 200, {noun: {k: v for k, v in store[cluster, str(key)].items() if k != "policies"}}

    @staticmethod
    def _policies(method: str, entry: dict[str, Any], rest: list[str], body: Any) -> Answer:
        if method == "POST":
            entry["policies"] = [
                p for p in entry["policies"] if p["policyArn"] != body["policyArn"]
            ] + [body]
            return 200, {"associatedAccessPolicy": body}
        if method == "DELETE":
            entry["policies"] = [p for p in entry["policies"] if p["policyArn"] != rest[0]]
            return 200, {}
        return 200, {"associatedAccessPolicies": entry["policies"]}
