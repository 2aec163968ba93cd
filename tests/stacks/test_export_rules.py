"""What export tells where no valid description would make a stack, and what it leaves to itself."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
import yaml

import kitaru_iac as kitaru_sdk
from kitaru_iac.checks.model import CheckReport
from kitaru_iac.gateway import StackView
from kitaru_iac.labels import MANAGED_LABEL, OWNER_LABEL, STACK_LABEL
from kitaru_iac.mcp.inputs import described
from kitaru_iac.pulumi.provisioned import PROVISIONED_TOKEN
from kitaru_iac.spec import StackSpec, to_mapping
from kitaru_iac.spec.document import Document
from kitaru_iac.spec.kinds import InfraMode
from kitaru_iac.spec.variables import escaped, expanded
from kitaru_iac.stacks.export import credentials_variable, described_view, export_view
from tests.cli.conftest import Kitaru
from tests.stacks.test_drift_rules import EKS, view_of

SECRET = "hunter2hunter2"


def with_fields(view: StackView, kind: str, **fields: Any) -> StackView:
    """A view with other fields of a component."""
    parts = tuple(
        replace(part, configuration={**part.configuration, **fields})
        if part.role_type == kind
        else part
        for part in view.components
    )
    return replace(view, components=parts)


@pytest.mark.parametrize("name", ["one", "theirs"])
def test_a_registry_in_a_local_stack_is_told_and_not_described(name: str) -> None:
    view = view_of({"name": "one", "type": "local", "activate": False})
    fields = {"uri": "localhost:5000", "default_repository": "theirs"}
    theirs = replace(
        view.components[0],
        role_type="container_registry",
        flavor="default",
        name=name,
        id="other",
        configuration=fields,
    )
    found = export_view(replace(view, components=(*view.components, theirs)))
    assert found.keys == {"name": "one", "type": "local", "activate": False}
    assert list(found.comments) == [
        f"No description says this: container_registry {name} is in the stack."
    ]


def test_of_an_invalid_description_everything_is_told_nevertheless() -> None:
    view = with_fields(view_of(EKS), "artifact_store", path="s3://Not_A_Bucket/x")
    view = with_fields(view, "orchestrator", timeout=7, password=SECRET)
    stranger = replace(view.components[0], role_type="alerter", name="theirs", id="other")
    view = replace(view, components=(*view.components, stranger))
    found = export_view(view)
    told = "\n".join(found.comments)
    assert found.keys["extra"] == {"orchestrator": {"timeout": 7}}
    assert "orchestrator.password holds a secret as plain text" in told
    assert "not valid as it stands: artifact_store: " in told
    assert "set PROD_CREDENTIALS" in told
    assert "No description says this: alerter theirs is in the stack." in told
    assert SECRET not in told + str(found.keys)


@pytest.mark.parametrize(
    ("names", "plain"),
    [
        (("prod", "Prod", "PROD", "prod-", "-prod", "prod."), "PROD_CREDENTIALS"),
        (
            ("prod-eu", "prod_eu", "prod.eu", "prod--eu", "Prod-EU"),
            "PROD_EU_CREDENTIALS",
        ),
        (("stack-1prod", "1prod", "stack_1prod", "1-prod"), "STACK_1PROD_CREDENTIALS"),
        (("s", "日本", "日", "_", "--", "ß", "ss"), "S_CREDENTIALS"),
    ],
)
def test_no_two_stacks_take_their_keys_from_one_variable(
    names: tuple[str, ...], plain: str
) -> None:
    found = [credentials_variable(name) for name in names]
    assert found[0] == plain
    assert len(set(found)) == len(names)
    assert all(re.fullmatch("[A-Z_][A-Z0-9_]*", variable) for variable in found), found


def test_labels_that_no_description_can_have_are_left_out() -> None:
    labels = {"team": "search", "no name": "x", "empty": "", "long": "x" * 300}
    view = replace(view_of({"name": "dev"}), is_managed=False, labels=labels)
    found = export_view(replace(view, description="Two\nlines"))
    assert found.keys["labels"] == {"team": "search"}
    assert "description" not in found.keys
    assert not any("not valid" in comment for comment in found.comments)
    told = "\n".join(found.comments)
    for label in ("no name", "empty", "long"):
        assert f"its label {label!r}" in told
    assert "label 'team'" not in told
    assert "its text, which is left out" in told


def test_of_a_managed_stack_the_description_has_its_own_labels_alone() -> None:
    view = view_of({"name": "dev", "labels": {"team": "search"}})
    assert view.labels[MANAGED_LABEL] == "true"
    view = replace(view, labels={**view.labels, "theirs": "1"}, description="Theirs.")
    found = export_view(view)
    assert found.keys["labels"] == {"team": "search"}
    assert "description" not in found.keys
    assert not found.comments


def test_what_looks_like_a_variable_is_written_as_the_text_that_it_is() -> None:
    keys = {"labels": {"a": "${env:X} $${env:X} ${evn:X} ${{ x }}"}, "extra": {"b": ["${env:X}"]}}
    text = yaml.safe_dump(escaped(keys))
    again = expanded(Document("x", yaml.safe_load(text)), {})
    assert not again.problems
    assert again.data == keys


def test_a_value_of_which_a_part_is_hidden_is_left_out_whole() -> None:
    """Applied as it is shown, the mask would take the place of the login."""
    hidden = {"endpoint_url": "https://********@minio.example.com"}
    view = with_fields(view_of(EKS), "artifact_store", client_kwargs=hidden)
    found = export_view(view)
    assert "********" not in str(found.keys)
    told = [line for line in found.comments if "artifact_store.client_kwargs" in line]
    assert len(told) == 1
    assert "holds a secret as plain text" in told[0]


ENDPOINT = "https://minio.example.com"


def test_what_is_examined_is_what_the_stack_uses(
    monkeypatch: pytest.MonkeyPatch, kitaru: Kitaru
) -> None:
    """Without `extra`, verify judged Amazon's bucket of the name, and the repository of the URI."""
    arguments = {"endpoint_url": ENDPOINT, "aws_secret_access_key": SECRET}
    view = with_fields(view_of(EKS), "artifact_store", client_kwargs=arguments)
    view = with_fields(view, "orchestrator", service_account_name="runner", password=SECRET)
    extra = {
        "artifact_store": {"client_kwargs": {"endpoint_url": ENDPOINT}},
        "orchestrator": {"service_account_name": "runner"},
    }
    assert described_view(view)["extra"] == extra
    seen: list[StackSpec] = []

    def examined(spec: StackSpec, **_: object) -> CheckReport:
        seen.append(spec)
        return CheckReport(spec.name)

    monkeypatch.setattr("kitaru_iac.stacks.export.read_stack", lambda _: view)
    monkeypatch.setattr("kitaru_iac.stacks.health.views_of", lambda _: [view])
    monkeypatch.setattr("kitaru_iac.infrastructure.verify.verify", examined)
    kitaru_sdk.verify("prod")
    kitaru_sdk.health("prod")
    assert kitaru("stack", "verify", "prod").code == 0
    examined(described(None, "prod"))
    assert [to_mapping(spec)["extra"] for spec in seen] == [extra] * 4
    assert SECRET not in str([to_mapping(spec) for spec in seen])


OF_A_PROGRAM = "urn:pulumi:dev::team::{}kitaru:index:Stack::prod"


@pytest.mark.parametrize(
    ("labels", "provisioned"),
    [
        ({}, False),
        ({STACK_LABEL: "prod"}, True),
        ({OWNER_LABEL: OF_A_PROGRAM.format(f"{PROVISIONED_TOKEN}$")}, True),
        ({OWNER_LABEL: OF_A_PROGRAM.format(f"team:index:Platform${PROVISIONED_TOKEN}$")}, True),
        # What it may have made apart from the stack, nothing tells.
        ({OWNER_LABEL: OF_A_PROGRAM.format("")}, False),
        ({OWNER_LABEL: OF_A_PROGRAM.format("team:index:Platform$")}, False),
        ({OWNER_LABEL: "nobody knows"}, False),
    ],
)
def test_that_a_stack_was_provisioned_is_known_to_its_checks(
    monkeypatch: pytest.MonkeyPatch, kitaru: Kitaru, labels: dict[str, str], *, provisioned: bool
) -> None:
    """Whether its bucket may have been made hangs on it; no policy speaks of what would be made."""
    view = replace(view_of(EKS), labels={**view_of(EKS).labels, **labels})
    seen: list[StackSpec] = []

    def examined(spec: StackSpec, **_: object) -> CheckReport:
        seen.append(spec)
        return CheckReport(spec.name)

    monkeypatch.setattr("kitaru_iac.stacks.export.read_stack", lambda _: view)
    monkeypatch.setattr("kitaru_iac.stacks.health.views_of", lambda _: [view])
    monkeypatch.setattr("kitaru_iac.infrastructure.verify.verify", examined)
    kitaru_sdk.verify("prod")
    kitaru_sdk.health("prod")
    assert kitaru("stack", "verify", "prod").code == 0
    examined(described(None, "prod", with_infra=True))
    expected = InfraMode.PROVISION if provisioned else InfraMode.NONE
    assert [spec.infra for spec in seen] == [expected] * 4
    policies: Any = kitaru_sdk.policy("prod")["policies"]
    assert "provision" not in policies


def test_of_a_stack_made_by_hand_nothing_is_said_to_be_missing_that_is_there() -> None:
    view = with_fields(view_of(EKS), "orchestrator", timeout=7)
    view = replace(
        view,
        is_managed=False,
        labels={},
        components=tuple(replace(part, labels={}) for part in view.components),
        connectors=tuple(replace(link, labels={}) for link in view.connectors),
    )
    found = export_view(view)
    told = "\n".join(found.comments)
    assert "any more" not in told
    assert "is 'prod', not 'prod'" not in told
    assert "No description says this" not in told, told
    assert found.keys["extra"] == {"orchestrator": {"timeout": 7}}
    assert found.keys["connector"] == "prod"

    first, *others = view.components
    renamed = replace(view, components=(replace(first, name="theirs"), *others))
    again = export_view(renamed)
    assert again.keys == found.keys
    lines = [line for line in again.comments if "No description says this" in line]
    assert lines == [
        f"No description says this: {first.role_type} theirs is not called as its stack."
    ]
