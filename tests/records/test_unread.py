"""What a login may not read is unknown: neither gone, nor changed, nor written over."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from kitaru_iac.errors import NotAllowedError
from kitaru_iac.gateway.documents import ConnectorChange, Where
from kitaru_iac.gateway.in_process import InProcess
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.gateway.rest_documents import connector_doc
from kitaru_iac.notices import SecretsNotCompared
from kitaru_iac.plan.document import document, needs_review
from kitaru_iac.records.stored import Store
from kitaru_iac.records.taking_back import taken_back
from kitaru_iac.redaction import SecretText
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from kitaru_iac.stacks.planning import apply_reviewed, plan_stack
from tests.stacks.test_many import memory  # noqa: F401
from tests.stacks.test_planning import ECR, REMOTE

OTHER_KEYS = f"aws-access-keys:AKIAOTHER00000000001:{'o' * 40}"
SECRETS = "aws_secret_access_key"


@pytest.mark.parametrize("keys", [{}, {"credentials": OTHER_KEYS}], ids=["same", "others"])
def test_a_plan_without_the_right_to_secrets_has_the_digest_of_one_with_it(
    memory: MemoryGateway,  # noqa: F811
    keys: dict[str, str],
) -> None:
    before, spec = from_mapping(REMOTE), from_mapping({**REMOTE, **keys})
    with installed(memory):
        operations.apply(before)
        whole = document([plan_stack(spec)])
        memory.hides_secrets = True
        planned = plan_stack(spec)
        plan = document([planned])
        assert not plan["summary"]["with_changes"]
        assert [type(warning) for warning in planned.plan.warnings] == [SecretsNotCompared]
        assert plan["digest"] == whole["digest"]
        assert whole["summary"]["with_changes"] == bool(keys)
        assert not any(needs_review(c) for c in whole["stacks"][0]["changes"])
        memory.hides_secrets = False
        (done,) = apply_reviewed([spec], plan["digest"])
        assert done.changed == bool(keys)
        assert not operations.preview(spec).has_changes


def test_that_a_connector_is_taken_over_is_known_without_its_secrets(
    memory: MemoryGateway,  # noqa: F811
) -> None:
    with installed(memory):
        operations.apply(from_mapping(REMOTE))
        operations.delete("prod", force=True)  # its parts are left
        spec = from_mapping({**REMOTE, "credentials": OTHER_KEYS})
        whole = document([plan_stack(spec)])
        memory.hides_secrets = True
        assert document([plan_stack(spec)])["digest"] == whole["digest"]
    (taken,) = (
        change
        for change in whole["stacks"][0]["changes"]
        if change["address"] == "records/service_connector"
    )
    assert taken["reason"]["code"] == "taken_over"
    # Also where nothing but its secrets differs.
    hidden = [one for one in taken["changed"] if one["path"] in taken["undigested"]]
    assert hidden
    assert needs_review({**taken, "changed": hidden})
    assert not needs_review({**taken, "changed": hidden, "reason": None})


def test_nor_does_it_lose_another_change(memory: MemoryGateway) -> None:  # noqa: F811
    spec = from_mapping({**REMOTE, "credentials": OTHER_KEYS, "labels": {"team": "ml"}})
    with installed(memory):
        operations.apply(from_mapping(REMOTE))
        whole = document([plan_stack(spec)])
        memory.hides_secrets = True
        assert document([plan_stack(spec)])["digest"] == whole["digest"]
        assert any(needs_review(c) for c in whole["stacks"][0]["changes"])
        (connector,) = memory.connectors(Where())
        operations.apply(spec)  # which does not write the connector
        assert memory.connectors(Where()) == [connector]


def test_what_could_not_be_put_back_is_not_written_over(
    memory: MemoryGateway,  # noqa: F811
) -> None:
    there = {"region": "us-east-1", "container_registry": ECR.replace("eu-west-1", "us-east-1")}
    spec = from_mapping({**REMOTE, **there})
    with installed(memory):
        operations.apply(from_mapping(REMOTE))
        memory.hides_secrets = True
        assert operations.preview(spec).has_changes
        memory.written.clear()
        with pytest.raises(NotAllowedError, match="READ_SECRET_VALUE"):
            operations.apply(spec)
        assert memory.written == []


def test_what_was_written_is_known_again_without_its_secrets(
    memory: MemoryGateway,  # noqa: F811
) -> None:
    with installed(memory):
        operations.apply(from_mapping(REMOTE))
        (link,) = memory.connectors(Where())
        memory.hides_secrets = True
        doc = memory.connector_with_secrets(link.id)
        assert doc is not None
        new = ConnectorChange(
            configuration=doc.configuration, secrets={SECRETS: SecretText("s")}, labels={"a": "b"}
        )
        old = replace(new, labels=doc.labels, secrets={})
        assert taken_back(doc, new, old) == (None, False, False)
        assert taken_back(replace(doc, labels={"a": "b"}), new, old) == (old, False, False)


@pytest.mark.parametrize("kind", ["orchestrator", "artifact_store", "service connector"])
def test_a_part_that_may_not_be_read_is_not_gone(
    memory: MemoryGateway,  # noqa: F811
    kind: str,
) -> None:
    spec = from_mapping(REMOTE)
    with installed(memory):
        operations.apply(spec)
        own = Where(names=(spec.name,))
        parts = {part.type: part.id for part in memory.components(own)}
        (link,) = memory.connectors(own)
        memory.hidden = {parts.get(kind, link.id)}
        for act in (operations.preview, operations.apply):
            with pytest.raises(NotAllowedError, match=kind.replace("_", " ")):
                act(spec)
        with pytest.raises(NotAllowedError, match=kind.replace("_", " ")):
            Store(memory).read(spec.name)


AWS: dict[str, Any] = {
    "connector_type": "aws",
    "auth_methods": [
        {
            "auth_method": "secret-key",
            "config_schema": {
                "properties": {
                    "region": {"type": "string"},
                    SECRETS: {"type": "string", "format": "password", "writeOnly": True},
                },
                "required": ["region", SECRETS],
            },
        },
        {
            "auth_method": "implicit",
            "config_schema": {
                "properties": {
                    "region": {"type": "string"},
                    "token": {"anyOf": [{"format": "password"}, {"type": "null"}]},
                },
                "required": ["region"],
            },
        },
    ],
}


LEFT_OUT = [
    ("secret-key", AWS, {"region": "r"}, True, True),
    ("secret-key", AWS, {"region": "r", SECRETS: "s"}, True, False),
    ("secret-key", AWS, {"region": "r"}, False, False),
    ("implicit", AWS, {"region": "r"}, True, False),
    ("secret-key", "aws", {"region": "r"}, True, True),  # the server does not know the type
    ("secret-key", "aws", {"region": "r", SECRETS: "s"}, True, False),
]


@pytest.mark.parametrize(("method", "kind", "given", "asked", "hidden"), LEFT_OUT)
def test_whether_secrets_were_left_out(
    method: str, kind: object, given: dict[str, str], asked: bool, hidden: bool
) -> None:
    item = {
        "id": "i",
        "name": "n",
        "body": {
            "connector_type": kind,
            "auth_method": method,
            "updated": "2026-01-01T00:00:00",
        },
        "metadata": {"configuration": given, "labels": {}},
    }
    assert connector_doc(item, {SECRETS, "token"}, asked=asked).secrets_hidden is hidden


@pytest.mark.parametrize("store", ["rest", "sql"])
@pytest.mark.parametrize(
    ("method", "kind", "given", "hidden"), [(m, k, g, h) for m, k, g, asked, h in LEFT_OUT if asked]
)
def test_whether_secrets_were_left_out_for_zenmls_client(
    method: str, kind: Any, given: dict[str, str], hidden: bool, store: str
) -> None:
    is_known = not isinstance(kind, str)
    if is_known:
        kind = SimpleNamespace(**kind)
        kind.auth_methods = [SimpleNamespace(**one) for one in kind.auth_methods]

    def value(key: str) -> object:
        return SecretStr(given[key]) if is_known and key == SECRETS else given[key]

    def answer(id: UUID, *, expand_secrets: bool) -> object:
        # ZenML's client looks at what it was given, and forgets all where a required field lacks.
        forgets = store == "rest" and expand_secrets and is_known and hidden
        shown = () if forgets else given
        return SimpleNamespace(
            id=id,
            name="n",
            connector_type=kind,
            auth_method=method,
            configuration={k: value(k) for k in shown if expand_secrets or k != SECRETS},
            labels={},
            updated=datetime.now(UTC),
        )

    zen = SimpleNamespace(type=SimpleNamespace(value=store), get_service_connector=answer)
    gateway = InProcess()
    vars(gateway)["client"] = SimpleNamespace(zen_store=zen)
    doc = gateway.connector_with_secrets(str(UUID(int=1)))
    assert doc is not None
    assert doc.secrets_hidden is (hidden and store == "rest")
    assert set(doc.secrets) == given.keys() & {SECRETS}
    assert set(doc.configuration) == {"region"}
