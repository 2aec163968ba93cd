"""The engine's operations one by one: what is reported, what is stored, and what the state says.

The engine is the model of `tests.pulumi.driver`; random orders are in `test_sequences`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac import current_stack
from kitaru_iac.pulumi.keys import STACK_KEYS, camel, wire_names
from tests.homes import Home
from tests.pulumi import stored
from tests.pulumi.driver import Engine, Refused, Wanted
from tests.pulumi.programs import REMOTE

HERE = Path(__file__).parent
REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
BASE = {**wire_names(REMOTE), "name": "dev"}


def program(base: Mapping[str, Any] = BASE, /, **changed: Any) -> dict[str, Wanted]:
    given = {key: value for key, value in {**base, **changed}.items() if value is not None}
    return {"dev": Wanted(given)}


def agree(engine: Engine, wanted: dict[str, Wanted]) -> None:
    """Store, state and report are one: every resource is there, and nothing is left to do."""
    for name in wanted:
        held = engine.state[name].properties
        found = stored.records(str(held["name"]))
        assert found is not None
        assert found.id == engine.state[name].id
        assert found.stack_type == held["type"]
        assert held["componentIds"] == {part.type: part.id for part in found.components}
        assert held.get("connectorId") == (found.connector.id if found.connector else None)
        assert held["ownerUrn"] == engine.urn(name) == found.labels["kitaru.owner"]
        assert held["ownerRun"] == found.labels["kitaru.owner_run"]
        assert held["drift"] == []
    assert stored.names() == {"default", *(engine.state[n].properties["name"] for n in wanted)}
    before = engine.export()
    assert set(engine.up(wanted, preview=True).values()) <= {"same"}
    assert set(engine.up(wanted).values()) <= {"same"}
    assert set(engine.refresh().values()) <= {"refresh"}
    after = engine.export()
    assert {n: held.properties for n, held in after.items()} == {
        n: held.properties for n, held in before.items()
    }


KUBERNETES: dict[str, Any] = {
    "name": "dev",
    "type": "kubernetes",
    "artifactStore": "s3://first-bucket/kitaru",
    "containerRegistry": REGISTRY,
    "cluster": "first-cluster",
    "region": "eu-west-1",
    "credentials": BASE["credentials"],
    "verify": False,
}
VERTEX: dict[str, Any] = {
    "name": "dev",
    "type": "vertex",
    "artifactStore": "gs://first-bucket/kitaru",
    "containerRegistry": "europe-west1-docker.pkg.dev/first-project/kitaru",
    "region": "europe-west1",
    "project": "first-project",
    "verify": False,
}
AZUREML: dict[str, Any] = {
    "name": "dev",
    "type": "azureml",
    "artifactStore": "az://first-container/kitaru",
    "containerRegistry": "first.azurecr.io",
    "subscriptionId": "00000000-0000-0000-0000-000000000001",
    "resourceGroup": "first-group",
    "workspace": "first-workspace",
    "verify": False,
}
BASES = {"kubernetes": KUBERNETES, "vertex": VERTEX, "azureml": AZUREML}


def content(name: str) -> tuple[Any, ...]:
    """What a store says of a stack, by whatever id it is there."""
    found = stored.records(name, secrets=True)
    assert found is not None
    parts = [replace(part, id=None, connector_id=None) for part in found.components]
    connector = found.connector and replace(found.connector, id=None)
    return found.stack, parts, connector, current_stack().name == name


#: A change, and what it is: in place, or another stack. By the property, and the type whose stack
#: has it where that is not SageMaker's.
CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "artifactStore": ({"artifactStore": "s3://second-bucket/kitaru"}, "update"),
    "containerRegistry": ({"containerRegistry": f"{REGISTRY}/team"}, "update"),
    "region": (
        {"region": "eu-central-1", "containerRegistry": REGISTRY.replace("west", "central")},
        "update",
    ),
    "executionRole": ({"executionRole": "arn:aws:iam::123456789012:role/Other"}, "update"),
    "credentials": ({"credentials": BASE["credentials"].replace("FIRST", "OTHER")}, "update"),
    "connector": ({"connector": "shared", "credentials": None}, "update"),
    "verify": ({"verify": None}, "update"),
    "activate": ({"activate": True}, "update"),
    "async": ({"async": True}, "update"),
    "extra": ({"extra": {"orchestrator": {"synchronous": False}}}, "update"),
    "name": ({"name": "research"}, "replace"),
    "credentials: another method": ({"credentials": "aws-profile:prod"}, "replace"),
    "credentials: none": ({"credentials": None}, "replace"),
    "type": ({"type": "kubernetes", "executionRole": None, "cluster": "main"}, "replace"),
    "cluster (kubernetes)": ({"cluster": "second-cluster"}, "update"),
    "namespace (kubernetes)": ({"namespace": "team"}, "update"),
    "project (vertex)": (
        {
            "project": "second-project",
            "containerRegistry": str(VERTEX["containerRegistry"]).replace("first", "second"),
        },
        "update",
    ),
    "subscriptionId (azureml)": (
        {"subscriptionId": "00000000-0000-0000-0000-000000000002"},
        "update",
    ),
    "resourceGroup (azureml)": ({"resourceGroup": "second-group"}, "update"),
    "workspace (azureml)": ({"workspace": "second-workspace"}, "update"),
}


def test_each_property_has_a_change() -> None:
    assert {re.findall(r"\w+", change)[0] for change in CHANGES} == set(map(camel, STACK_KEYS))


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_each_property_and_back(home: Home, change: str) -> None:
    changed, kind = CHANGES[change]
    base = BASES.get(re.findall(r"\w+", change)[-1], BASE)
    engine = Engine()
    with stored.client() as zenml:
        zenml.create_service_connector(
            *("shared", "aws"),
            auth_method="implicit",
            configuration={"region": "eu-west-1"},
            verify=False,
        )
    assert engine.up(program(base)) == {"dev": "create"}
    first, made = engine.state["dev"].id, content("dev")
    for wanted in (program(base, **changed), program(base)):
        before = engine.export()
        assert engine.up(wanted, preview=True) == {"dev": kind}
        assert engine.state == before
        assert engine.up(wanted) == {"dev": kind}
        assert (engine.state["dev"].id == first) is (kind == "update")
        agree(engine, wanted)
        first = engine.state["dev"].id
        now = content(str(wanted["dev"].inputs["name"]))
        as_made = wanted == program(base)
        if change == "verify":  # how something is written, and not what
            as_made = True
        elif change == "activate":  # there is no other one to make active in its place
            as_made = False
        assert (now == made) is as_made
    engine.destroy()
    assert stored.names() == {"default"}
    assert stored.parts("dev") == stored.parts("research") == set()
    assert stored.parts("shared") == {"service_connector"}


def replaced(engine: Engine, how: str, wanted: dict[str, Wanted]) -> None:
    if how == "--replace":
        engine.up(wanted, replace={"dev"})
    elif how == "taint":
        engine.state["dev"].tainted = True
        engine.up(wanted)
    elif how == "deleteBeforeReplace":
        wanted["dev"].delete_before_replace = True
        engine.up(wanted, replace={"dev"})
    else:
        wanted["dev"].replace_on_changes = True
        wanted["dev"].inputs["async"] = True
        engine.up(wanted)


@pytest.mark.parametrize("how", ["--replace", "taint", "deleteBeforeReplace", "replaceOnChanges"])
def test_a_replacement_that_is_asked_for(home: Home, how: str) -> None:
    engine, wanted = Engine(), program()
    engine.up(wanted)
    replaced(engine, how, wanted)
    assert engine.ops == {"dev": "replace"}
    agree(engine, wanted)
    engine.destroy()
    assert stored.names() == {"default"}


def test_what_is_not_chosen_protected_ignored_or_retained_stays(home: Home) -> None:
    engine = Engine()
    both = {name: Wanted({"name": name}) for name in ("one", "two")}
    engine.up(both)
    moved = {name: Wanted({"name": name, "artifactStore": "/tmp/elsewhere"}) for name in both}
    assert engine.up(moved, target={"one"}) == {"one": "update"}
    assert engine.up(moved, exclude={"two"}) == {"one": "same"}
    assert engine.up(both, exclude={"two"}) == {"one": "update"}
    agree(engine, both)
    ignoring = {**moved, "one": Wanted(moved["one"].inputs, ignore=("artifactStore",))}
    assert engine.up(ignoring) == {"one": "same", "two": "update"}
    agree(engine, ignoring)
    engine.up({**both, "one": Wanted({"name": "one"}, protect=True)})
    with pytest.raises(Refused, match="is protected"):
        engine.destroy()
    assert "one" in stored.names()
    engine.up({**both, "one": Wanted({"name": "one"}, retain=True)})
    engine.destroy()
    assert stored.names() == {"default", "one"}


def test_a_resource_moves_to_another_state(home: Home) -> None:
    """`pulumi state move`: the same resource, under the address of another Pulumi stack."""
    former, new = Engine(), Engine("staging")
    former.up(program())
    new.state["dev"] = former.state.pop("dev")
    assert new.up(program()) == {"dev": "update"}
    agree(new, program())
    assert former.up({}) == {}
    new.destroy()
    assert stored.names() == {"default"}


def test_an_earlier_export_that_is_imported_converges(home: Home) -> None:
    engine = Engine()
    engine.up(program())
    earlier = engine.export()
    engine.up(program(artifactStore="s3://second-bucket/kitaru"))
    engine.state = earlier
    engine.refresh()
    assert engine.up(program()) == {"dev": "update"}
    agree(engine, program())
    # Without the program's own token: as one whose state was written by hand.
    del engine.state["dev"].outputs["ownerRun"]
    engine.up(program(**{"async": True}))
    agree(engine, program(**{"async": True}))


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "up"])
def test_a_component_without_fields_is_said_to_have_none(home: Home, preview: bool) -> None:
    """The local orchestrator; it was "Its fields: ."."""
    wanted = {"dev": Wanted({"name": "dev", "extra": {"orchestrator": {"synchronous": False}}})}
    with pytest.raises(Refused) as refused:
        Engine().up(wanted, preview=preview)
    assert "has no field `synchronous`" in str(refused.value)
    assert "It has no fields: remove it." in str(refused.value)
    assert stored.names() == {"default"}


def test_each_operation_of_the_engine_has_the_tests_that_the_table_names() -> None:
    table = tomllib.loads((HERE / "operations.toml").read_text(encoding="utf-8"))
    assert set(table["model"]) - set(table["engine"]) == {"ten of them in any order"}
    named = [name for part in table.values() for names in part.values() for name in names]
    for name in named:
        module, _, function = name.partition("::")
        text = (HERE / f"{module}.py").read_text(encoding="utf-8")
        assert f"\ndef {function}(" in text, name
