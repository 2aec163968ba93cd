"""What others make of the package's schema: its enums, its defaults, its names and its file."""

from __future__ import annotations

import json
import os
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2 as p

from kitaru_iac.checks.model import CheckStatus
from kitaru_iac.clouds import registry
from kitaru_iac.pulumi.plugin import package, settings
from kitaru_iac.pulumi.plugin.check import problems
from kitaru_iac.pulumi.plugin.functions import refused
from kitaru_iac.pulumi.plugin.package import (
    EXAMPLES,
    PUBLISHER,
    Publisher,
    without_examples,
)
from kitaru_iac.pulumi.plugin.schema import schema
from kitaru_iac.pulumi.plugin.wire import Properties
from kitaru_iac.pulumi.provisioned import checked
from kitaru_iac.spec.kinds import InfraMode, ResourceMode, StackType
from tests.docs.markdown import ROOT
from tests.pulumi.driver import Plugin, Refused
from tests.pulumi.protocol import struct

SCHEMA = schema()
LANGUAGES = ["typescript", "python", "go", "csharp", "java", "yaml"]


def test_the_committed_schema_is_the_plugins() -> None:
    committed = (ROOT / "plugin" / "schema.json").read_text(encoding="utf-8")
    assert json.loads(committed) == SCHEMA, "run scripts/generate"


# -- enums -----------------------------------------------------------------------------------------


def values_of(reference: dict[str, Any]) -> list[str]:
    """The values of the enum that a property has."""
    token = reference["$ref"].removeprefix("#/types/")
    return [value["value"] for value in SCHEMA["types"][token]["enum"]]


def given(**values: Any) -> Properties:
    return Properties(values, values, frozenset())


def test_every_value_of_an_enum_is_said_and_described() -> None:
    for enum in (StackType, InfraMode, ResourceMode, CheckStatus):
        about = SCHEMA["types"][f"kitaru:index:{enum.__name__}"]
        assert [value["value"] for value in about["enum"]] == [str(value) for value in enum]
        assert all(value["description"] for value in about["enum"])


def test_a_stack_accepts_each_type_of_the_enum_and_no_other() -> None:
    property_ = SCHEMA["resources"]["kitaru:index:Stack"]["inputProperties"]["type"]
    for word in [*values_of(property_), "nomad"]:
        found = [problem.field for problem in problems(given(type=word), "prod")]
        assert ("type" in found) is (word == "nomad"), word


def test_verify_accepts_each_mode_of_the_enums_and_no_other() -> None:
    inputs = SCHEMA["functions"]["kitaru:index:verify"]["inputs"]["properties"]
    words = values_of(inputs["infra"])
    assert "type" not in inputs["infra"]
    for word in [*words, "guess"]:
        fields = {p.field for p in refused(given(name="prod", type="sagemaker", infra=word))}
        assert ("infra" in fields) is (word == "guess"), word
    for word in [*values_of(inputs["resources"]["additionalProperties"]), "guess"]:
        asked = given(name="prod", type="sagemaker", region="eu-west-1", resources={"bucket": word})
        unknown_mode = [p.what for p in refused(asked) if "guess" in p.what]
        assert bool(unknown_mode) is (word == "guess"), word


def test_a_provisioned_stack_accepts_each_resource_mode() -> None:
    inputs = SCHEMA["resources"]["kitaru:index:ProvisionedStack"]["inputProperties"]
    assert inputs["resources"]["additionalProperties"]["plain"] is True
    for word in values_of(inputs["resources"]["additionalProperties"]):
        _, found = checked({"name": "p", "type": "sagemaker", "region": "eu-west-1",
                            "resources": {"role": word}})  # fmt: skip
        assert not [p for p in found if "is not" in p.what and word in p.what], word


def test_a_clouds_component_names_its_own_types_among_the_enums() -> None:
    for cloud in registry.providers():
        if cloud.provisioning is not None:
            component = cloud.provisioning.component
            about = SCHEMA["resources"][component.token]["inputProperties"]["type"]
            assert {type_.value for type_ in component.types} <= set(values_of(about))


def test_a_stack_that_is_only_read_may_have_a_type_outside_of_the_enum() -> None:
    """A generated SDK would fail on `custom`, where it knows five values."""
    about = SCHEMA["resources"]["kitaru:index:Stack"]["properties"]["type"]
    assert about["type"] == "string"
    assert "$ref" not in about


# -- defaults from the environment -----------------------------------------------------------------

OURS, OTHER = "https://zenml.example.com", "https://other.example.com"
KEY = "ZENKEY_of_the_environment"


@pytest.mark.parametrize(
    ("environment", "values", "left_out"),
    [
        # As the environment says it: used as if it were written.
        ({"url": OURS, "key": KEY}, {"url": OURS, "apiKey": KEY}, set()),
        ({"url": None, "key": KEY}, {"url": OURS, "apiKey": KEY}, set()),
        ({"url": "sqlite:///x.db", "key": KEY}, {"url": OURS, "apiKey": KEY}, set()),
        # The key would go to a server that it is not for.
        ({"url": OURS, "key": KEY}, {"url": OTHER, "apiKey": KEY}, {"apiKey"}),
        ({"url": OURS, "key": KEY}, {"url": "local", "apiKey": KEY}, {"apiKey"}),
        # A key without a server is the machine's own connection's.
        ({"url": None, "key": KEY}, {"apiKey": KEY}, {"apiKey"}),
        # The machine's own login to the environment's server, and its database.
        ({"url": OURS, "key": None}, {"url": OURS}, {"url"}),
        ({"url": "sqlite:///x.db", "key": None}, {"url": "sqlite:///x.db"}, {"url"}),
        (
            {"url": "sqlite:///x.db", "key": KEY},
            {"url": "sqlite:///x.db", "apiKey": KEY},
            {"url", "apiKey"},
        ),
        # What the program says itself stays.
        ({"url": OURS, "key": KEY}, {"url": OTHER, "apiKey": "ZENKEY_own"}, set()),
        ({"url": OURS, "key": KEY}, {"url": OURS, "apiKey": "ZENKEY_own"}, set()),
        ({"url": OURS, "key": KEY}, {"url": "local"}, set()),
        ({"url": None, "key": None}, {"url": OTHER}, set()),
    ],
)
def test_what_an_sdk_fills_in_goes_only_where_the_environment_means_it(
    environment: dict[str, str | None],
    values: dict[str, str],
    left_out: set[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("KITARU_SERVER_URL", raising=False)
    for name, value in (("URL", environment["url"]), ("API_KEY", environment["key"])):
        if value is None:
            monkeypatch.delenv(f"ZENML_STORE_{name}", raising=False)
        else:
            monkeypatch.setenv(f"ZENML_STORE_{name}", value)
    assert settings.filled_in(values) == left_out


@pytest.mark.parametrize("variable", ["KITARU_SERVER_URL", "ZENML_STORE_URL"])
def test_the_key_of_the_environment_is_not_sent_to_another_server(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KITARU_SERVER_URL", raising=False)
    monkeypatch.setenv(variable, OURS)
    monkeypatch.setenv("ZENML_STORE_API_KEY", KEY)
    assert settings.Connection.of({"url": OTHER}).api_key is None
    assert settings.Connection.of({"url": f"{OURS}/"}).api_key == KEY
    (problem,) = settings.problems({"url": OTHER}, frozenset(), shared=False)
    assert problem.field == "apiKey"
    assert f"is for {OURS}" in str(problem.why)
    assert KEY not in str(problem)


@pytest.mark.parametrize("theirs", [OURS, None])
def test_a_provider_of_a_state_does_not_log_in_without_its_key(
    theirs: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was made where the environment had one; `destroy` and `refresh` only configure it."""
    for name in ("KITARU_SERVER_URL", "ZENML_STORE_API_KEY", "ZENML_STORE_URL"):
        monkeypatch.delenv(name, raising=False)
    if theirs:
        monkeypatch.setenv("ZENML_STORE_URL", theirs)
        monkeypatch.setenv("ZENML_STORE_API_KEY", KEY)
    before = dict(os.environ)
    with pytest.raises(Refused) as refused:
        Plugin().call("Configure", p.ConfigureRequest(args=struct(url=OTHER)))
    assert f"The API key of {OTHER} is missing" in str(refused.value)
    assert (f"is for {OURS} now" if theirs else "there is none now") in str(refused.value)
    assert "Set ZENML_STORE_API_KEY" in str(refused.value)
    assert KEY not in str(refused.value)
    assert dict(os.environ) == before


def test_only_an_explicit_provider_is_cleared_of_what_an_sdk_filled_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The configuration of a project is what somebody wrote."""
    monkeypatch.delenv("KITARU_SERVER_URL", raising=False)
    monkeypatch.setenv("ZENML_STORE_URL", OURS)
    monkeypatch.setenv("ZENML_STORE_API_KEY", KEY)

    def check(name: str) -> Any:
        urn = f"urn:pulumi:prod::platform::pulumi:providers:kitaru::{name}"
        request = p.CheckRequest(urn=urn, news=struct(url="local", apiKey=KEY))
        return Plugin().call("CheckConfig", request)

    for name in ("there", "default-eu", "default_eu", "default_2", "defaults"):
        explicit = check(name)
        assert list(explicit.failures) == []
        assert dict(explicit.inputs) == {"url": "local"}
    address = "https_/example.com/plugins"
    for name in ("default", "default_0_1_0", f"default_{address}", f"default_0_1_0_rc_1_{address}"):
        (failure,) = check(name).failures
        assert "a local store takes no API key" in failure.reason


def test_the_variables_are_those_that_a_login_reads() -> None:
    for where in (SCHEMA["config"]["variables"], SCHEMA["provider"]["inputProperties"]):
        found = {key: about["defaultInfo"]["environment"] for key, about in where.items()
                 if "defaultInfo" in about}  # fmt: skip
        assert found == {
            "url": ["KITARU_SERVER_URL", "ZENML_STORE_URL"],
            "apiKey": ["KITARU_AUTH_TOKEN", "ZENML_STORE_API_KEY"],
        }


# -- texts -----------------------------------------------------------------------------------------


def test_every_property_is_described_in_one_line() -> None:
    """A line break ends a row of the reference's tables."""
    places = {
        **{f"{token} in": about["inputProperties"] for token, about in SCHEMA["resources"].items()},
        **{f"{token} out": about["properties"] for token, about in SCHEMA["resources"].items()},
        **{f"{name} {way}": about[way]["properties"] for name, about in SCHEMA["functions"].items()
           for way in ("inputs", "outputs")},
        **{token: about.get("properties", {}) for token, about in SCHEMA["types"].items()},
    }  # fmt: skip
    texts = {
        f"{place}: {name}": about.get("description", "")
        for place, properties in places.items()
        for name, about in properties.items()
    }
    assert [name for name, text in texts.items() if not text or "\n" in text] == []


# -- names and examples ----------------------------------------------------------------------------


def test_no_sdk_is_called_as_pulumis_own() -> None:
    language = SCHEMA["language"]
    assert language["nodejs"]["packageName"] == f"@{SCHEMA['namespace']}/kitaru"
    assert language["go"]["importBasePath"].startswith(
        SCHEMA["repository"].removeprefix("https://")
    )
    assert language["csharp"]["rootNamespace"] not in {"", "Pulumi"}
    assert not language["java"]["basePackage"].startswith("com.pulumi")


def test_every_page_and_example_uses_the_publishers_names() -> None:
    folders = (ROOT / "docs", Path(package.__file__).parent / "examples", ROOT / "tests/pulumi")
    texts = [
        path.read_text(encoding="utf-8")
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix in {".md", ".go", ".mod", ".ts", ".py"} and path != Path(__file__)
    ]
    for pattern, name in (
        (r"(?:github\.com|raw\.githubusercontent\.com)/[\w-]+/kitaru-iac", PUBLISHER.repository),
        (r"\"(@[\w-]+)/kitaru\"", f"@{PUBLISHER.account}"),
        (r"import (\w+)_kitaru", PUBLISHER.account.replace("-", "_")),
        (r"using Kitaru = (\w+)\.Kitaru", PUBLISHER.dotnet),
        (r"import ([\w.]+)\.kitaru\.", PUBLISHER.java),
    ):
        found = [name for text in texts for name in re.findall(pattern, text)]
        assert len(found) > 2, pattern
        assert set(found) == {name}, pattern


def test_the_page_for_the_publisher_says_every_name_of_the_table() -> None:
    text = (ROOT / "docs" / "development.md").read_text(encoding="utf-8")
    for field in fields(Publisher):
        assert f"| `{field.name}` | `{getattr(PUBLISHER, field.name)}` |" in text


def test_the_registry_is_told_what_it_asks_for() -> None:
    for key in ("displayName", "description", "keywords", "homepage", "repository", "logoUrl",
                "license", "publisher", "pluginDownloadURL"):  # fmt: skip
        assert SCHEMA[key], key
    assert SCHEMA["logoUrl"].endswith("/docs/logo.svg")
    assert (ROOT / "docs" / "logo.svg").exists()
    assert {"kind/native", "category/utility"} <= set(SCHEMA["keywords"])


@pytest.mark.parametrize("token", EXAMPLES)
def test_there_is_an_example_in_each_language(token: str) -> None:
    about = {**SCHEMA["resources"], **SCHEMA["functions"]}[token]["description"]
    found = [line[3:] for line in about.splitlines() if line.startswith("```") and line != "```"]
    assert found == LANGUAGES
    for begin, end in (("{{% examples %}}", "{{% /examples %}}"),
                       ("{{% example %}}", "{{% /example %}}")):  # fmt: skip
        assert about.count(begin) == about.count(end) == 1
    assert "{{%" not in without_examples(about)
    assert without_examples(about)


@pytest.mark.parametrize("token", EXAMPLES)
def test_an_example_in_java_has_the_schemas_names(token: str) -> None:
    """Its generator cannot be had here: its rules for names are simple ones."""
    about = {**SCHEMA["resources"], **SCHEMA["functions"]}[token]
    inputs = set(about.get("inputProperties") or about["inputs"]["properties"])
    outputs = set(about.get("properties") or about["outputs"]["properties"]) | {"id"}
    (text,) = re.findall(r"^```java\n(.*?)^```", about["description"], re.M | re.S)
    builder = text.partition("builder()")[2].partition(".build()")[0]
    given = re.findall(r"^ +\.(\w+)\(", builder, re.M)
    assert given
    assert set(given) <= inputs
    told = re.findall(r"(?:prod|found)\.(\w+)\(\)", text)
    assert told
    assert set(told) <= outputs
    classes = re.findall(r"import [\w.]+\.kitaru\.(?:inputs\.)?(\w+?)(?:Args)?;", text)
    assert classes
    name = token.rpartition(":")[2].lower()
    assert {found.lower() for found in classes} <= {name, "kitarufunctions"}
    (kind,) = re.findall(r"StackType\.(\w+)[,)]", text)
    assert kind.lower() in values_of(
        SCHEMA["resources"]["kitaru:index:Stack"]["inputProperties"]["type"]
    )
