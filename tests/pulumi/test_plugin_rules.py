"""The plugin's judgements, called directly: what differs, what replaces, what is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from pulumi.runtime.proto import provider_pb2 as p

from kitaru_iac import gateway as reader
from kitaru_iac.clouds.registry import provisioning
from kitaru_iac.errors import (
    AlreadyExistsError,
    KitaruError,
    Problem,
    ProtectedStackError,
    StackNotFound,
    UsageError,
)
from kitaru_iac.gateway import StackView
from kitaru_iac.gateway.identity import StoreIdentity
from kitaru_iac.labels import MANAGED_LABEL, OWNER_LABEL, OWNER_RUN_LABEL
from kitaru_iac.notices import SecretsNotCompared
from kitaru_iac.plan.model import Action, Kept, Plan, Step
from kitaru_iac.pulumi.keys import STACK_KEYS, camel, wire_names
from kitaru_iac.pulumi.plugin import component_args, ownership, place, reading, runs, stacks
from kitaru_iac.pulumi.plugin.changes import Changes, changes
from kitaru_iac.pulumi.plugin.check import description, problems, stack_spec
from kitaru_iac.pulumi.plugin.functions import report_text
from kitaru_iac.pulumi.plugin.properties import description_properties, input_of, property_of
from kitaru_iac.pulumi.plugin.wire import UNKNOWN, Properties, is_secret, read, secret, struct
from kitaru_iac.pulumi.provisioned import checked
from kitaru_iac.records import rename
from kitaru_iac.records.model import ComponentRecord, ConnectorRecord, Records
from kitaru_iac.records.owner import Owner
from kitaru_iac.records.stored import Store
from kitaru_iac.render.report import summary, text
from kitaru_iac.spec.fields import FIELDS
from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.stacks import operations
from kitaru_iac.stacks.results import Deleted
from tests.pulumi.driver import Plugin
from tests.render.test_report import REPORT
from tests.stacks.test_drift_rules import BUCKET, EKS, LOCAL, SAGEMAKER, configured, given, view_of

URN = "urn:pulumi:prod::platform::kitaru:index:Stack::dev"
OTHER = "urn:pulumi:test::platform::kitaru:index:Stack::dev"
ID = "11111111-2222-3333-4444-555555555555"
SERVER = StoreIdentity("99999999-2222-3333-4444-555555555555", "https://here")
AWS = {"connectorType": "aws", "connectorAuthMethod": "secret-key"}
#: Two values of each property.
VALUES: Mapping[str, tuple[Any, Any]] = {
    key: (f"{key}-1", f"{key}-2") for key in map(camel, STACK_KEYS)
} | {
    "verify": (False, True),
    "activate": (True, False),
    "async": (True, False),
    "extra": ({"orchestrator": {"a": 1}}, {"orchestrator": {"a": 2}}),
}
#: What a property means that is left out.
DEFAULTS: Mapping[str, Any] = {
    "type": "local",
    "namespace": "default",
    "verify": True,
    "activate": False,
    "async": False,
    "extra": {},
}
#: What a stack exists with, whoever made it.
STATE = {"drift": []}


@pytest.fixture(autouse=True)
def connected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call is on one server."""
    monkeypatch.setattr(place, "here", lambda: SERVER)


def properties(values: Mapping[str, Any] | None = None, **more: Any) -> Properties:
    """Properties as they come over the wire."""
    return read(struct({**(values or {}), **more}))


def wire(base: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A description as properties."""
    return wire_names(given(base, **changes))


def compared(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    state: Mapping[str, Any] = STATE,
    ignored: tuple[str, ...] = (),
) -> Changes:
    return changes(properties(old), properties(state), properties(new), "dev", ignored)


# -- changes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", VALUES)
def test_each_property_is_added_updated_and_removed(key: str) -> None:
    one, two = VALUES[key]
    replaces = (key,) if key in {"name", "type"} else ()
    for old, new, kind in (
        ({}, {key: one}, "added"),
        ({key: one}, {}, "removed"),
        ({key: one}, {key: two}, "updated"),
    ):
        found = compared(old, new)
        assert {k: getattr(found, k) for k in ("added", "removed", "updated")} == {
            "added": (),
            "removed": (),
            "updated": (),
            kind: (key,),
        }
        assert found.all == (key,)
        assert found.replacing == replaces
        assert found.keeps_name is (key != "name")


def test_the_same_value_is_no_change() -> None:
    for key, (value, _) in VALUES.items():
        assert compared({key: value}, {key: value}) == Changes()


def test_a_default_that_is_written_is_no_change() -> None:
    for key, default in DEFAULTS.items():
        assert compared({}, {key: default}) == Changes()
        assert compared({key: default}, {}) == Changes()
        assert compared({key: None}, {key: default}) == Changes()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("type", "sagemaker"),
        ("namespace", "team"),
        ("verify", False),
        ("activate", True),
        ("async", True),
        ("extra", {"orchestrator": {}}),
    ],
)
def test_another_value_than_the_default_is_a_change(key: str, value: Any) -> None:
    assert compared({}, {key: value}).added == (key,)
    assert compared({key: DEFAULTS[key]}, {key: value}).all == (key,)


def test_a_property_without_a_default_is_no_more_than_its_value() -> None:
    for key in set(VALUES) - set(DEFAULTS):
        assert compared({}, {key: ""}).added == (key,)
        assert compared({key: None}, {}) == Changes()


@pytest.mark.parametrize("side", ["old", "new", "both"])
def test_what_is_not_known_may_always_be_a_change(side: str) -> None:
    for key, (value, _) in VALUES.items():
        old = {key: UNKNOWN if side in {"old", "both"} else value}
        new = {key: UNKNOWN if side in {"new", "both"} else value}
        assert compared(old, new).updated == (key,)


def test_what_is_not_known_may_be_another_value_than_the_default() -> None:
    for key in VALUES:
        assert compared({}, {key: UNKNOWN}).added == (key,)
        assert compared({key: UNKNOWN}, {}).removed == (key,)


ONE_FIELD: list[tuple[Any, Any]] = [
    ({"orchestrator": {"a": 1}}, {"orchestrator": {"a": 2}}),
    ({"orchestrator": {"a": 1, "b": 1}}, {"orchestrator": {"a": 2, "b": 1}}),
    ({"orchestrator": {"a": 1, "b": 1}}, {"orchestrator": {"b": 1}}),
    (None, {"orchestrator": {"a": 2}}),
    ({"orchestrator": {"a": 1}}, None),
]
ALSO_ANOTHER: list[tuple[Any, Any]] = [
    ({"orchestrator": {"a": 1, "b": 1}}, {"orchestrator": {"a": 2, "b": 2}}),
    ({"orchestrator": {"a": 1}}, {"orchestrator": {"a": 1, "b": 2}}),
    ({"orchestrator": {"b": 1}}, None),
]
OF_ANOTHER_PART: list[tuple[Any, Any]] = [
    ({"orchestrator": {"a": 1}}, {"orchestrator": {"a": 2}, "artifact_store": {"a": 2}}),
    ({"artifact_store": {"a": 1}}, {"artifact_store": {"a": 2}}),
]


@pytest.mark.parametrize(
    ("path", "covered"),
    [
        ("extra", [*ONE_FIELD, *ALSO_ANOTHER, *OF_ANOTHER_PART]),
        ("extra.*", [*ONE_FIELD, *ALSO_ANOTHER, *OF_ANOTHER_PART]),
        ("extra.orchestrator", [*ONE_FIELD, *ALSO_ANOTHER]),
        ('extra["orchestrator"]', [*ONE_FIELD, *ALSO_ANOTHER]),
        ('["extra"]["orchestrator"]', [*ONE_FIELD, *ALSO_ANOTHER]),
        ("extra.orchestrator.a", ONE_FIELD),
        ('extra.orchestrator["a"]', ONE_FIELD),
        ("extra.*.a", [*ONE_FIELD, *OF_ANOTHER_PART]),
        ('extra["orchestrator.a"]', []),
        ("extra.orchestrator.a.deeper", []),
        ("extras", []),
        ("orchestrator.extra", []),
        ("region", []),
        ("", []),
        ("*", [*ONE_FIELD, *ALSO_ANOTHER, *OF_ANOTHER_PART]),
        ("*.orchestrator", [*ONE_FIELD, *ALSO_ANOTHER]),
    ],
)
def test_what_is_ignored_is_what_lies_at_the_path_and_nothing_beside(
    path: str, covered: list[tuple[Any, Any]]
) -> None:
    """`extra.orchestrator.synchronous` once hid every other change of `extra`."""
    for change in [*ONE_FIELD, *ALSO_ANOTHER, *OF_ANOTHER_PART]:
        old, new = ({} if value is None else {"extra": value} for value in change)
        expected = () if change in covered else ("extra",)
        assert compared(old, new, ignored=(path,)).all == expected, change


def test_a_path_into_a_text_ignores_nothing_of_it() -> None:
    old, new = {"region": "a"}, {"region": "b"}
    assert compared(old, new, ignored=("region.b", "region[0]")).all == ("region",)


def test_only_the_ignored_of_several_is_passed_over() -> None:
    old, new = {"region": "a", "name": "a"}, {"region": "b", "name": "b"}
    found = compared(old, new, ignored=("name", "cluster"))
    assert (found.all, found.replacing, found.keeps_name) == (("region",), (), True)


@pytest.mark.parametrize(
    ("drift", "updated"), [(None, ()), ([], ()), (["a line"], ("drift",)), (["a", "b"], ("drift",))]
)
def test_drift_that_no_property_says_is_mended_in_place(
    drift: list[str] | None, updated: tuple[str, ...]
) -> None:
    found = compared({}, {}, {"drift": drift})
    assert (found.updated, found.replacing, found.added, found.removed) == (updated, (), (), ())


@pytest.mark.parametrize(
    ("urn", "state", "updated"),
    [
        (URN, {"componentIds": {}, "ownerUrn": None}, ("ownerUrn",)),  # imported
        (URN, {"componentIds": {}}, ("ownerUrn",)),
        (URN, {"componentIds": {}, "ownerUrn": OTHER}, ("ownerUrn",)),  # renamed
        (URN, {"componentIds": {}, "ownerUrn": URN}, ("ownerUrn",)),  # another state's
        (URN, {"componentIds": {}, "ownerUrn": URN, "ownerRun": "a"}, ()),
        (None, {"componentIds": {}, "ownerUrn": OTHER}, ()),
        (URN, {"ownerUrn": OTHER}, ()),  # nothing was read of the stack
    ],
)
def test_a_stack_that_does_not_carry_its_resource_is_marked(
    urn: str | None, state: dict[str, Any], updated: tuple[str, ...]
) -> None:
    found = changes(properties(), properties(state), properties(), "dev", (), urn)
    assert (found.all, found.updated, found.replacing) == (updated, updated, ())


GCP = wire(
    {
        "name": "prod",
        "type": "vertex",
        "region": "us-central1",
        "artifact_store": "gs://data",
        "container_registry": "us-central1-docker.pkg.dev/my-project/my-repo",
    }
)
ROLE = "aws-role:arn:aws:iam::123456789012:role/R"
TOKEN = "aws-session-token:AKIAFIRST00000000001:secret:token"


@pytest.mark.parametrize(
    ("new", "state", "replacing"),
    [
        (wire(SAGEMAKER), AWS, ()),
        (wire(SAGEMAKER, credentials=TOKEN), AWS, ("credentials",)),
        (wire(SAGEMAKER, credentials=None), AWS, ("credentials",)),
        (wire(SAGEMAKER, credentials=TOKEN), {}, ()),
        (wire(SAGEMAKER, credentials=TOKEN), {"connectorType": "aws"}, ()),
        (wire(SAGEMAKER, credentials=TOKEN), {"connectorAuthMethod": "secret-key"}, ()),
        (wire(SAGEMAKER, credentials=TOKEN), {**AWS, "connector": "shared"}, ()),
        (wire(SAGEMAKER, credentials=None, connector="shared"), AWS, ()),
        ({**wire(SAGEMAKER, credentials=TOKEN), "executionRole": UNKNOWN}, AWS, ()),
        ({**wire(SAGEMAKER), "credentials": UNKNOWN}, AWS, ()),
        (wire(SAGEMAKER, credentials=TOKEN, region="nowhere"), AWS, ()),
        (wire(SAGEMAKER), {**AWS, "connectorType": "gcp"}, ("credentials",)),
        (wire(SAGEMAKER), {**AWS, "connectorAuthMethod": "implicit"}, ("credentials",)),
    ],
    ids=[
        "as before",
        "another method",
        "no credentials",
        "no connector before",
        "no method before",
        "no type before",
        "an existing connector before",
        "an existing connector now",
        "something is not known",
        "the credentials are not known",
        "no valid description",
        "another type in the store",
        "another method in the store",
    ],
)
def test_another_connector_replaces_where_both_are_its_own_and_known(
    new: Mapping[str, Any], state: Mapping[str, Any], replacing: tuple[str, ...]
) -> None:
    found = compared(wire(SAGEMAKER), new, state)
    assert found.replacing == replacing
    assert set(replacing) <= set(found.all)
    assert found.keeps_name


@pytest.mark.parametrize(
    ("differing", "guilty"),
    [
        ((), "credentials"),
        (("region",), "region"),
        (("region", "containerRegistry"), "containerRegistry"),
        (("region", "containerRegistry", "artifactStore"), "artifactStore"),
        (("region", "artifactStore", "credentials"), "credentials"),
        (("executionRole",), "credentials"),
    ],
)
def test_the_likeliest_of_the_differing_properties_is_said_to_replace_the_connector(
    differing: tuple[str, ...], guilty: str
) -> None:
    old = {**wire(SAGEMAKER), **dict.fromkeys(differing, "another")}
    found = compared(old, wire(SAGEMAKER), {**AWS, "connectorType": "gcp"})
    assert found.replacing == (guilty,)
    assert found.all == tuple(sorted({*differing, guilty}))
    assert sorted([*found.added, *found.removed, *found.updated]) == list(found.all)


def test_a_stack_that_loses_its_connector_is_changed_in_place() -> None:
    new = wire(LOCAL)
    found = compared(wire(BUCKET), new, AWS)
    assert found.replacing == ()


def test_what_replaces_twice_is_said_once_and_beside_the_connector() -> None:
    found = compared(wire(SAGEMAKER), GCP, AWS)
    assert found.replacing == ("type", "credentials")
    renamed = compared(wire(SAGEMAKER), wire(SAGEMAKER, name="other", credentials=TOKEN), AWS)
    assert (renamed.replacing, renamed.keeps_name) == (("name", "credentials"), False)


# -- checks ----------------------------------------------------------------------------------------


def said(found: list[Problem]) -> dict[str, str]:
    """The problems' remedies by field."""
    return {problem.field: str(problem.remedy) for problem in found}


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        (wire(LOCAL), set()),
        (wire(SAGEMAKER), set()),
        (wire(SAGEMAKER, execution_role=None), {"execution_role"}),
        (wire(SAGEMAKER, artifact_store=None), {"artifact_store"}),
        (wire(SAGEMAKER, region="nowhere"), {"region"}),
        ({**wire(SAGEMAKER, artifact_store=None), "executionRole": UNKNOWN}, set()),
        (
            {**wire(SAGEMAKER), "artifactStore": "s3://UPPER", "executionRole": UNKNOWN},
            {"artifact_store"},
        ),
        ({**wire(LOCAL), "activate": "perhaps"}, {"activate"}),
        (wire(LOCAL, credentials="aws-profile:p"), {"credentials"}),
        ({**wire(LOCAL), "credentials": "aws-profile:p", "artifactStore": UNKNOWN}, set()),
    ],
)
def test_while_something_is_not_known_only_single_values_are_wrong(
    values: Mapping[str, Any], fields: set[str]
) -> None:
    assert set(said(problems(properties(values), "dev"))) == fields


@pytest.mark.parametrize(
    ("values", "name", "wrong"),
    [
        ({}, "dev", False),
        ({}, "not a name!", True),
        ({"name": "dev"}, "not a name!", False),
        ({"name": "not a name!"}, "dev", True),
        ({"name": None}, "dev", False),
        ({"name": None}, "not a name!", True),
        ({"name": UNKNOWN}, "not a name!", False),
        ({"region": UNKNOWN}, "not a name!", True),
    ],
)
def test_a_stack_is_called_as_its_resource_unless_it_has_a_name(
    values: Mapping[str, Any], name: str, wrong: bool
) -> None:
    assert bool(problems(properties(values), name)) is wrong


def test_a_name_that_is_left_out_stays_what_it_was_first() -> None:
    """Whatever the resource is called by then: by an alias, or renamed in the state."""
    plugin = Plugin()

    def check(resource: str, olds: Any = None, **news: Any) -> Any:
        request = p.CheckRequest(urn=URN.replace("::dev", f"::{resource}"), name=resource)
        request.olds.CopyFrom(olds or struct({}))
        request.news.CopyFrom(struct(news))
        return plugin.call("Check", request).inputs

    def called(resource: str, olds: Any = None, **news: Any) -> Any:
        return check(resource, olds, **news)["name"]

    first = check("dev")
    assert first["name"] == "dev"
    assert check("renamed", first) == first
    assert called("again", check("renamed", first)) == "dev"
    assert called("renamed", first, name="other") == "other"
    # As the engine asks where it replaces, and of what had a name in the program.
    assert called("renamed") == "renamed"
    assert called("renamed", check("dev", name="other")) == "renamed"
    # A refresh that found another name does not make that the one to keep.
    drifted = struct({"name": "theirs", "__name": "dev"})
    assert called("renamed", drifted) == "dev"


@pytest.mark.parametrize(
    ("values", "remedies"),
    [
        ({"bucket": "x"}, {"bucket": "Did you mean `artifactStore`?"}),
        ({"artifact_store": "/x"}, {"artifact_store": "Did you mean `artifactStore`?"}),
        (
            {"regoin": "x", "Name": "y"},
            {
                "regoin": "Did you mean `region`?",
                "Name": "Did you mean `name`?",
            },
        ),
        ({"zzzzzzzz": "x"}, {"zzzzzzzz": f"They are {', '.join(map(camel, STACK_KEYS))}."}),
        ({"zzzzzzzz": UNKNOWN}, {"zzzzzzzz": f"They are {', '.join(map(camel, STACK_KEYS))}."}),
        (
            {"infra": "verify"},
            {"infra": "Use ProvisionedStack to provision, or the function verify."},
        ),
        ({"resources": {}}, {"resources": "Use ProvisionedStack."}),
        ({"infrastructure": {}}, {"infrastructure": "Use ProvisionedStack."}),
    ],
    ids=str,
)
def test_what_is_no_property_is_said_with_what_was_meant(
    values: Mapping[str, Any], remedies: Mapping[str, str]
) -> None:
    assert said(problems(properties(values), "dev")) == remedies


def test_a_resource_that_takes_every_key_takes_those_of_the_infrastructure() -> None:
    values = {**wire(SAGEMAKER), "infra": "verify", "resources": {"bucket": "skip"}}
    assert problems(properties(values), "dev", FIELDS) == []
    assert set(said(problems(properties(values), "dev"))) == {"infra", "resources"}
    found = said(problems(properties(infra="x"), "dev", ("name", "infra")))
    assert "ProvisionedStack" not in found["infra"]
    narrow = said(problems(properties(infra="verify", region="x"), "dev", ("name",)))
    assert narrow == {
        "infra": "Use ProvisionedStack to provision, or the function verify.",
        "region": "They are name.",
    }


def test_a_description_has_the_keys_of_yaml() -> None:
    values = {"artifactStore": "a", "async": True, "name": "n"}
    assert description(values, "other") == {"artifact_store": "a", "async": True, "name": "n"}
    assert description({"containerRegistry": "c"}, "other") == {
        "container_registry": "c",
        "name": "other",
    }
    assert description({"containerRegistry": "c"}, None) == {"container_registry": "c"}


@pytest.mark.parametrize("activate", [True, False, None])
def test_the_description_itself_activates_nothing(activate: bool | None) -> None:
    spec = stack_spec(properties(activate=activate), "dev")
    assert (spec.name, spec.activate) == ("dev", False)


# -- the schema of a property ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ("name", {"type": "string"}),
        ("verify", {"type": "boolean"}),
        ("async", {"type": "boolean"}),
        ("credentials", {"type": "string", "secret": True}),
        ("type", {"$ref": "#/types/kitaru:index:StackType"}),
        ("infra", {"$ref": "#/types/kitaru:index:InfraMode"}),
        (
            "resources",
            {
                "type": "object",
                "additionalProperties": {"$ref": "#/types/kitaru:index:ResourceMode"},
            },
        ),
        (
            "labels",
            {"type": "object", "additionalProperties": {"$ref": "pulumi.json#/Any"}},
        ),
        (
            "extra",
            {
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "additionalProperties": {"$ref": "pulumi.json#/Any"},
                },
            },
        ),
    ],
)
@pytest.mark.parametrize("plain", [False, True])
def test_a_property_has_the_type_of_its_key(key: str, shape: dict[str, Any], plain: bool) -> None:
    found = property_of(key, plain=plain)
    assert found.pop("description")
    assert found == {**shape, **({"plain": True} if plain and key != "credentials" else {})}


def test_a_property_tells_its_choices_and_an_example() -> None:
    assert (
        "One of local, kubernetes, vertex, sagemaker, azureml."
        in (property_of("type")["description"])
    )
    assert "For example `s3://my-bucket/kitaru`." in property_of("artifact_store")["description"]
    assert "For example" not in property_of("type")["description"]
    assert "One of" not in property_of("artifact_store")["description"]


@pytest.mark.parametrize("plain", [False, True])
def test_only_an_input_says_what_it_is_if_left_out(plain: bool) -> None:
    words = {"name": "The resource's name", "type": "local", "activate": "False", "verify": "True"}
    for key in FIELDS:
        end = f" {words[key]}, if left out." if key in words else ""
        output = property_of(key, plain=plain)
        expected = {**output, "description": output["description"] + end}
        assert input_of(key, plain=plain) == expected
        assert description_properties([key], plain=plain) == {camel(key): output}


# -- reading ---------------------------------------------------------------------------------------


class Reader:
    """A reader that finds one stack, as ZenML does: by the beginning of its id too."""

    def __init__(self, view: StackView | None, error: Exception | None = None) -> None:
        self.view = view
        self.error = error
        self.closed = 0

    def stack(self, ref: str) -> StackView:
        if self.error:
            raise self.error
        if self.view is None:
            raise StackNotFound(f"no {ref}")
        return self.view

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize(
    ("ref", "found"),
    [
        ("dev", True),
        (ID, True),
        (ID.upper(), True),
        (ID.replace("-", ""), True),
        (ID[:8], False),
        (ID[:-1], False),
        (ID.replace("1", "2"), False),
        ("DEV", False),
        ("de", False),
    ],
)
def test_a_stack_is_found_by_its_whole_name_or_id(
    monkeypatch: pytest.MonkeyPatch, ref: str, found: bool
) -> None:
    opened = Reader(replace(view_of(LOCAL), id=ID))
    monkeypatch.setattr(reader, "open_reader", lambda: opened)
    assert reading.view_of(ref) is (opened.view if found else None)
    assert opened.closed == 1


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (StackNotFound("x"), None),
        (UsageError("the beginning of several ids"), None),
        (KitaruError("x"), KitaruError),
    ],
)
def test_only_a_stack_that_is_not_there_is_none(
    monkeypatch: pytest.MonkeyPatch, error: Exception, answer: type[Exception] | None
) -> None:
    opened = Reader(None, error)
    monkeypatch.setattr(reader, "open_reader", lambda: opened)
    if answer is None:
        assert reading.view_of("dev") is None
    else:
        with pytest.raises(answer):
            reading.view_of("dev")
    assert opened.closed == 1


COMPUTED_OF_LOCAL = {
    "type": "local",
    "serverId": SERVER.id,
    "server": "https://here",
    "componentIds": {
        "orchestrator": "orchestrator-id",
        "artifact_store": "artifact_store-id",
    },
    "connectorId": None,
    "connectorType": None,
    "connectorAuthMethod": None,
    "ownerUrn": None,
    "ownerRun": None,
}


def owned(view: StackView, urn: str = URN, run: str = "a") -> StackView:
    """The view of a stack that has an owner."""
    return replace(view, labels={**view.labels, **Owner(urn, run).labels})


@pytest.mark.parametrize(
    ("view", "computed"),
    [
        (view_of(LOCAL), {}),
        (owned(view_of(LOCAL)), {"ownerUrn": URN, "ownerRun": "a"}),
        (owned(view_of(LOCAL), run=""), {"ownerUrn": URN, "ownerRun": ""}),
        (
            view_of(BUCKET),
            {
                "connectorId": "connector-id",
                "connectorType": "aws",
                "connectorAuthMethod": "secret-key",
            },
        ),
    ],
)
def test_what_the_provider_says_of_a_stack_is_what_is_stored(
    monkeypatch: pytest.MonkeyPatch, view: StackView, computed: dict[str, Any]
) -> None:
    monkeypatch.setattr(reading, "view_of", lambda ref: view)
    new = properties({"name": "dev", "credentials": secret("aws-profile:p"), "type": "of the user"})
    found = reading.made(ID, new, ("a warning",))
    assert found.id == ID
    assert found.inputs == new.wire
    assert found.warnings == ("a warning",)
    assert found.properties == {**new.wire, **COMPUTED_OF_LOCAL, **computed, "drift": []}
    assert is_secret(found.properties["credentials"])


def test_a_stack_that_is_gone_again_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "view_of", lambda ref: None)
    with pytest.raises(KitaruError, match=f"{ID} was registered, and is gone again"):
        reading.made(ID, properties())


@pytest.mark.parametrize("hidden", [True, False], ids=["secret", "in the clear"])
@pytest.mark.parametrize(
    ("key", "base", "view", "now"),
    [
        (
            "artifactStore",
            SAGEMAKER,
            configured(view_of(SAGEMAKER), "artifact_store", path="s3://other/x"),
            "s3://other/x",
        ),
        (
            "namespace",
            given(EKS, namespace="ml"),
            configured(view_of(EKS), "orchestrator", kubernetes_namespace="team"),
            "team",
        ),
    ],
)
def test_a_value_that_drifted_stays_as_secret_as_it_was(
    key: str, base: Mapping[str, Any], view: StackView, now: str, hidden: bool
) -> None:
    inputs = wire(base)
    if hidden:
        inputs[key] = secret(inputs[key])
    found = reading.refreshed(view, properties(inputs), {})
    for values in (found.properties, found.inputs):
        assert values[key] == (secret(now) if hidden else now)
        assert is_secret(values[key]) is hidden


@pytest.mark.parametrize("key", ["artifactStore", "region", "executionRole", "credentials"])
def test_a_secret_that_did_not_drift_stays_one_beside_one_that_did(key: str) -> None:
    inputs = wire(SAGEMAKER)
    inputs[key] = secret(inputs[key])
    view = configured(view_of(SAGEMAKER), "orchestrator", synchronous=False)
    found = reading.refreshed(view_of(SAGEMAKER), properties(inputs), {})
    assert found.properties["drift"] == []  # nothing is no secret
    found = reading.refreshed(view, properties(inputs), {})
    assert found.inputs == inputs
    assert found.properties["drift"]
    assert read(struct(found.properties)).wire[key] == inputs[key]


@pytest.mark.parametrize(
    ("key", "value", "hidden"),
    [
        ("extra", {"orchestrator": {"custom": secret("hush-hush")}}, True),
        ("extra", {"orchestrator": {"custom": "plain"}}, False),
        ("executionRole", secret(SAGEMAKER["execution_role"]), True),
        ("credentials", secret("aws-profile:prod"), False),
    ],
)
def test_the_words_of_a_drift_are_as_secret_as_what_they_repeat(
    key: str, value: Any, hidden: bool
) -> None:
    inputs = wire(SAGEMAKER)
    inputs[key] = value
    view = configured(view_of(SAGEMAKER), "orchestrator", synchronous=False)
    drift = reading.refreshed(view, properties(inputs), {}).properties["drift"]
    assert is_secret(drift) is hidden
    assert drift
    if not hidden:
        assert "hush-hush" not in str(drift)


def test_a_refresh_takes_out_what_is_gone_and_keeps_the_rest() -> None:
    inputs = wire(LOCAL, artifact_store="/a", verify=False)
    found = reading.refreshed(view_of(LOCAL), properties(inputs), {})
    assert found.inputs == {"name": "dev", "verify": False}
    assert found.properties == {**found.inputs, **COMPUTED_OF_LOCAL, "drift": []}
    assert (found.id, found.warnings) == ("stack-id", ())


@pytest.mark.parametrize(
    ("inputs", "called", "drift"),
    [
        ({"name": "dev"}, "dev", []),
        ({"name": "dev"}, "other", ["stack dev: it is called 'other'"]),
        ({}, "other", []),
    ],
)
def test_a_refresh_sees_another_name_where_there_is_one_to_compare(
    inputs: dict[str, Any], called: str, drift: list[str]
) -> None:
    view = replace(view_of(LOCAL, name="dev"), name=called)
    if not inputs:
        view = view_of(LOCAL, name=called)
    assert reading.refreshed(view, properties(inputs), {}).properties["drift"] == drift


@pytest.mark.parametrize("activate", [True, False])
def test_whether_it_is_active_is_never_drift(activate: bool) -> None:
    inputs = wire(LOCAL, activate=activate)
    found = reading.refreshed(view_of(LOCAL), properties(inputs), {})
    assert (found.inputs, found.properties["drift"]) == (inputs, [])


def test_a_refresh_looks_for_the_labels_of_the_owner() -> None:
    labels = Owner(URN, "a").labels
    plain = reading.refreshed(view_of(LOCAL), properties(LOCAL), labels)
    assert [line.split(" is ")[0] for line in plain.properties["drift"]] == [
        f"stack dev: labels.{OWNER_LABEL}",
        f"stack dev: labels.{OWNER_RUN_LABEL}",
    ]
    ours = reading.refreshed(owned(view_of(LOCAL)), properties(LOCAL), labels)
    assert ours.properties["drift"] == []


def relabelled(view: StackView, **changes: Any) -> StackView:
    """The view with its connector changed."""
    return replace(view, connectors=(replace(view.connectors[0], **changes),))


@pytest.mark.parametrize(
    ("view", "connector", "warned"),
    [
        (view_of(SAGEMAKER), None, True),
        (view_of(SAGEMAKER, credentials=None), None, False),
        (relabelled(view_of(SAGEMAKER), labels={}), "prod", False),
        (relabelled(view_of(SAGEMAKER), name="shared"), "shared", False),
        (view_of(SAGEMAKER, credentials=None, connector="shared"), "shared", False),
        (view_of(LOCAL), None, False),
    ],
    ids=[
        "its own with keys",
        "its own without",
        "of its name and not its own",
        "another's",
        "existing",
        "none",
    ],
)
def test_an_import_asks_for_the_keys_of_its_own_connector_and_names_any_other(
    view: StackView, connector: str | None, warned: bool
) -> None:
    found = reading.imported(view, URN)
    assert found.inputs.get("connector") == connector
    assert found.warnings == ()
    assert len(found.advice) == int(warned) + 1
    if warned:
        assert "connector prod (secret-key) cannot be read back" in found.advice["credentials"]
    assert "belongs to no program yet" in found.advice["ownerUrn"]
    assert found.id == "stack-id"
    assert found.properties["drift"] == []
    assert set(found.inputs) <= set(map(camel, STACK_KEYS))
    assert {**found.inputs, "drift": []}.items() <= found.properties.items()


def test_what_no_description_makes_is_imported_by_its_name_with_a_warning() -> None:
    view = replace(view_of(LOCAL), name="default")
    found = reading.imported(view, URN)
    assert found.inputs == {"name": "default"}
    (warning,) = found.warnings
    assert "The default stack is ZenML's own" in warning


@pytest.mark.parametrize(
    ("view", "urn", "former", "known", "run", "advice"),
    [
        # The token is the owner's: whoever else had it would own the stack as well.
        (owned(view_of(LOCAL)), URN, None, {"a"}, "a", None),
        (owned(view_of(LOCAL)), URN, None, {"b"}, None, "in another state or in one that is lost"),
        (owned(view_of(LOCAL)), OTHER, None, set(), None, "to be looked at here, and no more"),
        (owned(view_of(LOCAL)), OTHER, URN, set(), "a", "pulumi up takes stack 'dev' over"),
        (view_of(LOCAL), URN, None, set(), None, "belongs to no program yet"),
    ],
    ids=["ours", "another state's", "another's", "let go", "nobody's"],
)
def test_an_import_hands_the_token_to_its_owner_alone(
    view: StackView,
    urn: str,
    former: str | None,
    known: set[str],
    run: str | None,
    advice: str | None,
) -> None:
    found = reading.imported(view, urn, former=former, known=known)
    assert found.properties["ownerRun"] == run
    assert found.properties["ownerUrn"] == view.labels.get(OWNER_LABEL)
    assert len(found.advice) == (advice is not None)
    assert (advice or "") in "".join(found.advice.values())


@pytest.mark.parametrize(
    ("view", "owner", "run", "token"),
    [
        (owned(view_of(LOCAL)), Owner(URN, "a"), "a", "a"),
        # What the record says by now may be somebody else's.
        (owned(view_of(LOCAL), run="b"), Owner(URN, "a"), "a", "a"),
        (owned(view_of(LOCAL), run="b"), Owner(OTHER, "a"), "a", "a"),
        (owned(view_of(LOCAL), run="b"), Owner(URN, ""), None, None),
        (owned(view_of(LOCAL), run="b"), Owner(OTHER, ""), None, None),
        (view_of(LOCAL), Owner(URN, ""), None, None),
    ],
)
def test_a_refresh_keeps_the_token_of_the_state(
    view: StackView, owner: Owner, run: str | None, token: str | None
) -> None:
    labels = {OWNER_LABEL: owner.urn}
    found = reading.refreshed(view, properties(LOCAL), labels, run)
    assert found.properties["ownerRun"] == token


@pytest.mark.parametrize(
    ("view", "urn", "why"),
    [
        (owned(view_of(LOCAL)), URN, None),
        (owned(view_of(LOCAL)), OTHER, f"It is {Owner(URN, 'a')}."),
        (view_of(LOCAL), URN, "It belongs to no program."),
    ],
)
def test_a_stack_is_taken_over_from_its_owner_alone(
    view: StackView, urn: str, why: str | None
) -> None:
    if why is None:
        ownership.require_let_go(view, urn)
        return
    with pytest.raises(KitaruError) as refused:
        ownership.require_let_go(view, urn)
    assert refused.value.what == f"Stack '{view.name}' does not belong to {urn}"
    assert refused.value.why == why
    assert refused.value.remedy == f"See it with: kitaru stack show {view.name}"


@pytest.mark.parametrize(
    ("earlier", "view", "is_told"),
    [
        ((), owned(view_of(LOCAL)), False),
        (("a",), None, False),
        (("a",), view_of(LOCAL), False),
        (("a",), owned(view_of(LOCAL)), True),
        (("x", "a"), owned(view_of(LOCAL)), True),
        (("x",), owned(view_of(LOCAL)), False),
        (("a",), owned(view_of(LOCAL), urn=OTHER), False),
    ],
)
def test_a_creation_that_makes_nothing_says_what_it_takes_over(
    monkeypatch: pytest.MonkeyPatch,
    earlier: tuple[str, ...],
    view: StackView | None,
    *,
    is_told: bool,
) -> None:
    asked: list[str] = []

    def looked_up(name: str) -> StackView | None:
        asked.append(name)
        return view

    monkeypatch.setattr(runs, "known", lambda urn: frozenset(earlier) if urn == URN else None)
    monkeypatch.setattr(ownership, "view_of", looked_up)
    found = ownership.taken_over(URN, "dev")
    assert len(found) == int(is_told)
    assert asked == (["dev"] if earlier else [])
    for text_ in found:
        assert text_.startswith("Stack 'dev' is there already: an earlier run of this resource")
        assert text_.endswith(f"pulumi state delete '{URN}'")


def test_whose_the_state_is_comes_from_it_or_from_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held: list[tuple[str, str, bool]] = []
    monkeypatch.setattr(runs, "latest", lambda urn: f"latest of {urn}")
    monkeypatch.setattr(runs, "known", lambda urn: frozenset({f"known of {urn}"}))
    monkeypatch.setattr(runs, "hold", lambda urn, run, *, written: held.append((urn, run, written)))
    assert ownership.holder(URN, properties({"ownerRun": "a"})) == Owner(URN, "a")
    for state in (None, properties(), properties({"ownerRun": ""})):
        assert ownership.holder(URN, state) == Owner(URN, f"latest of {URN}")
    made = ownership.creator(URN, "b")
    assert (made.run, made.earlier) == ("b", frozenset({f"known of {URN}"}))
    assert ownership.creator(URN).run == ""
    ownership.hold(URN, {"ownerRun": "a"})
    ownership.hold(URN, {"ownerRun": "b"}, written=True)
    for nothing in ({}, {"ownerRun": ""}, {"ownerRun": None}):
        ownership.hold(URN, nothing, written=True)
    assert held == [(URN, "a", False), (URN, "b", True)]


# -- the life of a stack ---------------------------------------------------------------------------


class Life:
    """The calls of `stacks.operations`, and what is stored."""

    def __init__(self, **stored: StackView) -> None:
        self.stored = dict(stored)
        self.calls: list[tuple[Any, ...]] = []
        self.plan = Plan("dev")
        self.fails: dict[str, Exception] = {}
        self.deleted: Deleted | None = None
        self.warns: tuple[Any, ...] = ("a warning",)
        #: What is in no stack, and carries the name of one.
        self.left = Records("dev", "custom", ())

    def call(self, name: str, *what: Any) -> None:
        self.calls.append((name, *what))
        if name in self.fails:
            raise self.fails[name]

    @property
    def names(self) -> list[str]:
        return [call[0] for call in self.calls]

    def view_of(self, ref: str) -> StackView | None:
        return next((v for v in self.stored.values() if ref in {v.name, v.id}), None)

    def create(self, spec: Any, *, owner: Owner, progress: Any) -> Any:
        self.call("create", spec.name, owner.urn)
        self.stored["dev"] = owned(replace(view_of(LOCAL), id=ID, name=spec.name), owner.urn)
        unread = [one for one in self.warns if isinstance(one, SecretsNotCompared)]
        return SimpleNamespace(id=ID, warnings=tuple(unread))

    def apply(self, spec: Any, *, owner: Owner, progress: Any, confirm: Any) -> Any:
        if confirm(self.plan):
            self.call("apply", spec.name, owner)
        return SimpleNamespace(id=ID, warnings=self.warns)

    def preview(self, spec: Any, *, owner: Owner) -> Plan:
        self.call("preview", spec.name, owner)
        return self.plan

    def preview_creation(self, spec: Any, *, owner: Owner) -> Plan:
        self.call("preview_creation", spec.name, owner.urn)
        return self.plan

    def use(self, id: str) -> None:
        self.call("use", id)

    def delete(
        self, ref: str, *, exact: bool, owner: Owner, recursive: bool, force: bool
    ) -> Deleted | None:
        assert (exact, recursive, force) == (True, True, True)
        self.call("delete", ref, owner)
        return self.deleted

    def rename(self, id: str, old: str, new: str) -> None:
        self.call("rename", id, old, new)
        self.stored["dev"] = replace(self.stored["dev"], name=new)


Live = Callable[..., Life]


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Live:
    """Put a `Life` where the plugin calls it."""

    def begin(**stored: StackView) -> Life:
        life = Life(**stored)
        for name in ("create", "apply", "preview", "preview_creation", "use", "delete"):
            monkeypatch.setattr(operations, name, getattr(life, name))
        monkeypatch.setattr(rename, "rename", life.rename)
        beside = SimpleNamespace(orphans=lambda name: life.left)
        monkeypatch.setattr(Store, "open", lambda: beside)
        for module in (stacks, ownership, reading):
            monkeypatch.setattr(module, "view_of", life.view_of)
        return life

    return begin


def quiet(line: str) -> None:
    """Nobody is told."""


def there(urn: str | None = URN, run: str = "a", name: str = "dev") -> StackView:
    """Stack `dev` with the id of these tests, of this owner."""
    view = replace(view_of(LOCAL), id=ID, name=name)
    return owned(view, urn, run) if urn else view


OURS = properties(name="dev", ownerRun="a")


@pytest.mark.parametrize(
    ("called", "by", "run", "outcome"),
    [
        ("dev", URN, "a", ["apply"]),
        ("other", URN, "a", ["rename", "apply"]),
        ("other", URN, "b", ["rename", "apply"]),
        ("other", OTHER, "a", ["rename", "apply"]),
        ("other", None, "", ["rename", "apply"]),
        ("other", OTHER, "b", ProtectedStackError),
        ("other", OTHER, "", ProtectedStackError),
    ],
    ids=[
        "its name",
        "another name",
        "another name, another run",
        "another name, its former address",
        "another name, the command's by now",
        "another name, another owner",
        "another name, another owner without a token",
    ],
)
def test_a_renamed_stack_gets_its_name_back_only_if_it_is_the_resources_own(
    live: Live, called: str, by: str | None, run: str, outcome: Any
) -> None:
    life = live(dev=there(by, run, called))

    def update() -> None:
        stacks.update(URN, "dev", ID, OURS, properties(name="dev"), quiet)

    if isinstance(outcome, list):
        update()
        assert life.names == outcome
        if "rename" in outcome:
            assert life.calls[0] == ("rename", ID, called, "dev")
    else:
        for look in (lambda: stacks.preview(URN, "dev", properties(name="dev"), ID, OURS), update):
            with pytest.raises(outcome, match=f"Stack '{called}' belongs to Pulumi"):
                look()
        assert life.calls == []


def test_a_name_that_another_stack_took_is_not_taken_back_and_the_preview_says_so(
    live: Live,
) -> None:
    life = live(dev=there(name="theirs"), other=replace(there(None), id=AWAY))
    new = properties(name="dev")
    for run in (
        lambda: stacks.preview(URN, "dev", new, ID, OURS),
        lambda: stacks.update(URN, "dev", ID, OURS, new, quiet),
    ):
        with pytest.raises(AlreadyExistsError, match="'theirs' cannot be called 'dev' again"):
            run()
    assert life.calls == []


def test_a_stack_that_is_gone_is_not_changed(live: Live) -> None:
    life = live()
    for change in (
        lambda: stacks.update(URN, "dev", ID, OURS, properties(name="dev"), quiet),
        lambda: stacks.preview(URN, "dev", properties(name="dev"), ID, OURS),
    ):
        with pytest.raises(KitaruError) as gone:
            change()
        assert gone.value.what == f"Stack 'dev' ({ID}) is gone"
        assert "pulumi refresh" in str(gone.value.remedy)
    assert life.calls == []


@pytest.mark.parametrize(
    ("step", "refused"),
    [
        (Step(Action.REPLACE, "stack", "dev", reason="its type changes"), "its type changes"),
        (Step(Action.REPLACE, "stack", "dev"), "It was changed outside this program."),
        (Step(Action.CREATE, "stack", "dev"), "It was changed outside this program."),
        (Step(Action.UPDATE, "stack", "dev"), None),
        (Step(Action.KEEP, "stack", "dev"), None),
        (Step(Action.DELETE, "stack", "dev"), None),
        (Step(Action.REPLACE, "artifact_store", "dev"), None),
        (Step(Action.CREATE, "service_connector", "dev"), None),
    ],
)
def test_an_update_is_refused_where_the_stack_itself_would_be_another(
    live: Live, step: Step, refused: str | None
) -> None:
    life = live(dev=there())
    life.plan = Plan("dev", (Step(Action.KEEP, "orchestrator", "dev"), step))
    new = properties(name="dev")
    for change in (
        lambda: stacks.update(URN, "dev", ID, OURS, new, quiet),
        lambda: stacks.preview(URN, "dev", new, ID, OURS),
    ):
        if refused is None:
            change()
        else:
            with pytest.raises(KitaruError) as error:
                change()
            assert error.value.what == "Stack 'dev' cannot be changed in place"
            assert error.value.why == refused
            assert "pulumi refresh" in str(error.value.remedy)
    assert ("apply" in life.names) is (refused is None)


@pytest.mark.parametrize(
    ("before", "after", "used"),
    [
        (None, None, False),
        (None, False, False),
        (None, True, True),
        (False, True, True),
        (True, True, False),
        (True, False, False),
    ],
)
def test_an_update_activates_only_what_was_not_to_be_active_before(
    live: Live, before: bool | None, after: bool | None, used: bool
) -> None:
    life = live(dev=there())
    state = properties(name="dev", ownerRun="a", activate=before)
    made = stacks.update(URN, "dev", ID, state, properties(name="dev", activate=after), quiet)
    assert ("use" in life.names) is used
    assert made.warnings == ("a warning",)


@pytest.mark.parametrize("activate", [None, False, True])
def test_a_creation_activates_only_what_is_to_be_active(live: Live, activate: bool | None) -> None:
    life = live()
    made = stacks.create(URN, "dev", properties(activate=activate), quiet)
    assert made.id == ID
    assert ("use" in life.names) is bool(activate)
    assert life.calls[0] == ("create", "dev", URN)


def test_a_creation_settles_its_token_when_it_is_made_and_not_before(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    life, noted = live(), list[tuple[str, ...]]()
    monkeypatch.setattr(runs, "begin", lambda urn: f"token of {urn}")
    monkeypatch.setattr(runs, "settle", lambda *what: noted.append((life.names[-1], *what)))
    life.fails["create"] = KitaruError("no")
    with pytest.raises(KitaruError):
        stacks.create(URN, "dev", properties(), quiet)
    assert noted == []
    life.fails.clear()
    stacks.create(URN, "dev", properties(), quiet)
    assert noted == [("create", URN, f"token of {URN}")]


def test_an_update_notes_the_token_that_it_has_just_written(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[tuple[Any, ...]] = []
    monkeypatch.setattr(runs, "hold", lambda urn, run, *, written: held.append((urn, run, written)))
    life = live(dev=there())
    life.fails["apply"] = KitaruError("no")
    with pytest.raises(KitaruError):
        stacks.update(URN, "dev", ID, OURS, properties(), quiet)
    assert held == []
    life.fails.clear()
    stacks.update(URN, "dev", ID, OURS, properties(), quiet)
    assert held == [(URN, "a", True)]


@pytest.mark.parametrize("what", ["preview", "update", "read", "delete"])
def test_nothing_is_asked_or_done_on_another_server_than_the_state_s(
    live: Live, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def require_own(state: Properties | None, id: str, urn: str) -> None:
        assert (state, id, urn) == (OURS, ID, URN)
        raise KitaruError("another server")

    life = live(dev=there())
    monkeypatch.setattr(place, "require_own", require_own)
    monkeypatch.setattr(stacks, "view_of", lambda ref: pytest.fail("was looked for"))
    calls: Mapping[str, Callable[[], object]] = {
        "preview": lambda: stacks.preview(URN, "dev", properties(), ID, OURS),
        "update": lambda: stacks.update(URN, "dev", ID, OURS, properties(), quiet),
        "read": lambda: stacks.read(URN, ID, properties(), OURS),
        "delete": lambda: stacks.delete(URN, ID, OURS),
    }
    with pytest.raises(KitaruError, match="another server"):
        calls[what]()
    assert life.calls == []


@pytest.mark.parametrize(
    ("ref", "stored", "whose"),
    [
        (ID, there(), URN),
        ("dev", there(), URN),
        (f"dev@{OTHER}", there(OTHER), OTHER),
        (f"{ID}@{OTHER}", there(OTHER), OTHER),
        # It is another one's, or nobody's.
        (f"dev@{OTHER}", there(), None),
        (f"dev@{OTHER}", there(None), None),
    ],
)
def test_an_import_takes_a_stack_over_from_whom_it_names(
    live: Live, monkeypatch: pytest.MonkeyPatch, ref: str, stored: StackView, whose: str | None
) -> None:
    live(dev=stored)
    monkeypatch.setattr(place, "require_own", lambda *_: None)
    monkeypatch.setattr(
        stacks, "imported", lambda view, urn, *, former=None, **_: (view, former or urn)
    )
    if whose is None:
        with pytest.raises(KitaruError, match=f"does not belong to {OTHER}"):
            stacks.read(URN, ref, properties(), properties())
    else:
        found: Any = stacks.read(URN, ref, properties(), properties())
        assert found == (stored, whose)


def test_what_cannot_be_made_active_is_half_made(live: Live) -> None:
    life = live()
    life.fails["use"] = KitaruError("no")
    with pytest.raises(stacks.PartialUpdate) as half:
        stacks.create(URN, "dev", properties(activate=True), quiet)
    assert half.value.made.id == ID
    assert str(half.value) == "The stack is registered, but not active: no"
    # The engine keeps these properties, and asks for an update with them.
    made = half.value.made.properties
    assert "activate" not in made
    life.stored["dev"] = owned(replace(view_of(LOCAL), id=ID), URN, "a")
    state = properties({**made, "ownerRun": "a"})
    with pytest.raises(stacks.PartialUpdate) as half:
        stacks.update(URN, "dev", ID, state, properties(activate=True), quiet)
    assert "activate" not in half.value.made.properties
    # A refresh in between says it with the inputs too: the engine forgets what was half-made.
    found = stacks.read(URN, ID, properties(name="dev", activate=True), state)
    assert found is not None
    assert "activate" not in {**found.inputs, **found.properties}
    del life.fails["use"]
    life.calls.clear()
    stacks.update(URN, "dev", ID, state, properties(activate=True), quiet)
    assert life.names == ["apply", "use"]
    life.fails["use"] = RuntimeError("no")
    with pytest.raises(RuntimeError):
        stacks.create(URN, "dev", properties(activate=True), quiet)


def test_credentials_that_are_not_written_are_not_in_the_state(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A", "aws-access-keys:AKIAEXAMPLE000000001:" + "s" * 40)
    monkeypatch.setenv("B", "aws-access-keys:AKIAEXAMPLE000000001:" + "t" * 40)
    life = live()
    life.stored["dev"] = owned(replace(view_of(LOCAL), id=ID), URN, "a")
    life.warns = (SecretsNotCompared("They stay."),)
    store = {"artifactStore": "s3://team-data/k", "region": "eu-west-1"}
    mine = properties(**store, ownerRun="a", credentials="env:A")
    new = properties(**store, credentials="env:B")
    done = stacks.update(URN, "dev", ID, mine, properties(**store, credentials="env:A"), quiet)
    assert done.properties["credentials"] == "env:A"
    with pytest.raises(stacks.PartialUpdate, match="They stay") as half:
        stacks.update(URN, "dev", ID, mine, new, quiet)
    assert half.value.made.properties["credentials"] == "env:A"
    assert "up once with a login that has this right" in str(half.value)
    life.plan = Plan("dev", (), life.warns)
    for wanted, stack, held, told in (
        (new, ID, mine, True),
        (properties(**store, credentials="env:A"), ID, mine, False),
        (new, None, None, True),
        (properties(**store), None, None, False),
    ):
        said: list[str] = []
        stacks.preview(URN, "dev", wanted, stack, held, said.append)
        assert ["They stay." in line for line in said] == [True] * told
    # A refresh in between says it with the inputs too: the engine forgets what was half-made.
    state = properties(**{**half.value.made.properties, "ownerRun": "a"})
    found = stacks.read(URN, ID, properties(**store, name="dev", credentials="env:B"), state)
    assert found is not None
    assert (found.inputs["credentials"], found.properties["credentials"]) == ("env:A", "env:A")
    wanted = properties(**store, credentials="env:B", activate=True)
    with pytest.raises(stacks.PartialUpdate) as half:
        stacks.update(URN, "dev", ID, properties(**store, ownerRun="a"), wanted, quiet)
    assert not {"credentials", "activate"} & half.value.made.properties.keys()
    with pytest.raises(stacks.PartialUpdate) as half:
        stacks.create(URN, "dev", wanted, quiet)
    assert not {"credentials", "activate"} & half.value.made.properties.keys()
    assert "use" not in life.names


@pytest.mark.parametrize("written", [True, False])
def test_credentials_that_are_not_in_the_state_are_no_drift(live: Live, *, written: bool) -> None:
    """A stack was taken over by who may not read its secrets: its credentials were not written."""
    life = live()
    life.stored["dev"] = owned(replace(view_of(BUCKET), id=ID), URN, "a")
    inputs = wire(BUCKET)
    state = {"name": "dev", "ownerRun": "a"}
    if written:
        state["credentials"] = inputs["credentials"]
    found = stacks.read(URN, ID, properties(inputs), properties(state))
    assert found is not None
    assert found.properties["drift"] == []
    assert ("credentials" in found.inputs) is ("credentials" in found.properties) is written


TAKEN: Mapping[str, tuple[StackView | None, Mapping[str, Any], str, type[KitaruError] | None]] = {
    "free": (None, {}, "dev", None),
    "taken by the command": (there(None), {}, "dev", AlreadyExistsError),
    "taken by another resource": (there(OTHER, "b"), {}, "dev", ProtectedStackError),
    "its resource's name is taken, and not its own": (
        there(OTHER, "b"),
        {"name": "other"},
        "dev",
        None,
    ),
    "its name is taken, and not its resource's": (
        there(OTHER, "b"),
        {"name": "dev"},
        "other",
        ProtectedStackError,
    ),
    "its name is not known": (there(OTHER, "b"), {"name": UNKNOWN}, "dev", None),
    "its name is the id of another": (there(OTHER, "b"), {"name": ID}, "dev", None),
}


@pytest.mark.parametrize("case", TAKEN)
def test_a_taken_name_is_said_while_other_values_are_not_known(live: Live, case: str) -> None:
    view, values, name, error = TAKEN[case]
    life = live(**({"dev": view} if view else {}))
    new = properties({**values, "region": UNKNOWN})
    if error is None:
        assert stacks.preview(URN, name, new) == stacks.expected(new)
    else:
        with pytest.raises(error):
            stacks.preview(URN, name, new)
    assert life.calls == []


def test_a_name_is_not_looked_for_where_the_stack_is_there_already(live: Live) -> None:
    life = live(dev=there(OTHER, "b"))
    new = properties(name="dev", region=UNKNOWN)
    assert stacks.preview(URN, "dev", new, ID, OURS) == stacks.expected(new)
    assert life.calls == []


@pytest.mark.parametrize(
    ("id", "state"), [(None, None), (None, OURS), (ID, None)], ids=["new", "no id", "no state"]
)
def test_what_is_not_there_yet_is_previewed_as_new(
    live: Live, id: str | None, state: Properties | None
) -> None:
    life = live(dev=there())
    new = properties(name="dev")
    assert stacks.preview(URN, "dev", new, id, state) == {
        "name": "dev",
        "type": "local",
        "componentIds": UNKNOWN,
        **dict.fromkeys(reading.CONNECTOR),  # a local stack has none
        "serverId": SERVER.id,
        "server": "https://here",
        "ownerUrn": UNKNOWN,
        "ownerRun": UNKNOWN,
        "drift": [],
    }
    assert life.calls == [("preview_creation", "dev", URN)]


@pytest.mark.parametrize(
    ("more", "connector"),
    [
        ({"credentials": secret(TOKEN)}, (UNKNOWN, "aws", "sts-token")),
        (
            {"credentials": secret("aws-access-keys:AKIAFIRST00000000001:hush")},
            (UNKNOWN, "aws", "secret-key"),
        ),
        ({"connector": "shared"}, (UNKNOWN, UNKNOWN, UNKNOWN)),
        ({"region": UNKNOWN}, (UNKNOWN, UNKNOWN, UNKNOWN)),
    ],
    ids=["a token", "keys", "an existing one", "the description is not known"],
)
def test_a_preview_says_of_the_connector_what_follows_from_the_description(
    live: Live, more: dict[str, Any], connector: tuple[Any, ...]
) -> None:
    live()
    given = {**wire(SAGEMAKER), "name": "dev", **more}
    if "connector" in more:
        given.pop("credentials", None)
    found = stacks.preview(URN, "dev", properties(given))
    assert tuple(found[key] for key in reading.CONNECTOR) == connector


STORED = properties(
    {
        "name": "dev",
        **COMPUTED_OF_LOCAL,
        "ownerRun": "a",
        "connectorId": "link",
        "drift": ["a line"],
    }
)


@pytest.mark.parametrize(
    ("actions", "kept"),
    [
        ((), True),
        ((Action.KEEP, Action.UPDATE, Action.ACTIVATE), True),
        ((Action.UPDATE, Action.CREATE), False),
        ((Action.REPLACE,), False),
        ((Action.KEEP, Action.DELETE), False),
    ],
)
def test_ids_are_known_beforehand_unless_a_part_is_exchanged(
    live: Live, actions: tuple[Action, ...], kept: bool
) -> None:
    life = live(dev=there())
    life.plan = Plan("dev", tuple(Step(action, "artifact_store", "dev") for action in actions))
    new = properties(name="dev")
    found = stacks.preview(URN, "dev", new, ID, STORED)
    assert found["componentIds"] == (COMPUTED_OF_LOCAL["componentIds"] if kept else UNKNOWN)
    assert found["ownerRun"] == ("a" if kept else UNKNOWN)
    assert found["connectorId"] == ("link" if kept else None)
    assert found["drift"] == []
    assert life.names == ["preview"]
    assert life.calls[0][2].run == "a"


def test_a_renamed_stack_is_previewed_as_it_was(live: Live) -> None:
    life = live(dev=there(name="other"))
    found = stacks.preview(URN, "dev", properties(name="dev"), ID, STORED)
    assert found["componentIds"] == COMPUTED_OF_LOCAL["componentIds"]
    assert (found["name"], found["drift"]) == ("dev", [])
    assert life.calls == []


def test_what_is_expected_of_a_new_stack_is_unknown_but_for_what_was_written() -> None:
    new = properties({"name": "dev", "type": "local", "credentials": secret("x")})
    found = stacks.expected(new)
    assert found == {
        **dict.fromkeys(reading.COMPUTED, UNKNOWN),
        "name": "dev",
        "type": "local",
        "credentials": secret("x"),
        "drift": [],
    }


@pytest.mark.parametrize(
    ("inputs", "is_import"), [({}, True), ({"name": "dev"}, False), ({"region": UNKNOWN}, False)]
)
def test_without_inputs_a_reading_is_an_import(
    live: Live, monkeypatch: pytest.MonkeyPatch, inputs: dict[str, Any], is_import: bool
) -> None:
    live(dev=there())
    seen: list[Any] = []
    monkeypatch.setattr(stacks, "imported", lambda view, urn, **_: "imported")

    def refreshed(view: Any, given: Any, labels: Any, run: Any, **_: Any) -> reading.Made:
        seen.append(labels)
        return reading.Made("refreshed", {})

    monkeypatch.setattr(stacks, "refreshed", refreshed)
    found: Any = stacks.read(URN, ID, properties(inputs), OURS)
    assert found == ("imported" if is_import else reading.Made("refreshed", {}))
    assert seen == ([] if is_import else [Owner(URN, "a").labels])


def test_a_stack_that_is_not_there_is_read_as_nothing(live: Live) -> None:
    live()
    assert stacks.read(URN, ID, properties(), properties()) is None
    assert stacks.read(URN, ID, properties(name="dev"), OURS) is None


AWAY = "99999999-2222-3333-4444-555555555555"


@pytest.mark.parametrize(
    ("id", "stored", "state", "ref"),
    [
        (ID, there(), OURS, ID),
        (AWAY, None, OURS, "dev"),
        (AWAY, None, properties(ownerRun="a"), None),
        (AWAY, there(OTHER, "b"), OURS, None),
    ],
    ids=["there", "gone", "gone, and nothing is known of it", "gone, and another has its name"],
)
def test_what_is_deleted_is_the_stack_or_what_a_deletion_left_of_it(
    live: Live, id: str, stored: StackView | None, state: Properties, ref: str | None
) -> None:
    life = live(**({"dev": stored} if stored else {}))
    assert stacks.delete(URN, id, state) == ()
    assert [call[1] for call in life.calls] == ([] if ref is None else [ref])
    for call in life.calls:
        assert call[2].urn == URN
        assert call[2].run == "a"


STORE = ComponentRecord("artifact_store", "dev", "local", id="1")
BESIDE = ConnectorRecord("dev", "aws", "implicit", id="2")


@pytest.mark.parametrize(
    ("left", "known", "kept"),
    [
        (Records("dev", "custom", (STORE,)), {"componentIds": {"artifact_store": "1"}}, None),
        (Records("dev", "custom", (), BESIDE), {"connectorId": "2"}, None),
        (Records("dev", "custom", (STORE,)), {}, "artifact_store"),
        (
            Records("dev", "custom", (STORE,), BESIDE),
            {"componentIds": {"artifact_store": "1", "orchestrator": "3"}, "connectorId": "4"},
            "service_connector",
        ),
    ],
    ids=["its component", "its connector", "another's component", "another's connector"],
)
def test_of_a_stack_that_is_gone_only_its_own_parts_are_deleted(
    live: Live, left: Records, known: dict[str, Any], kept: str | None
) -> None:
    """Those of a later stack of that name, which somebody deleted without its parts, are not."""
    life = live()
    life.left = left
    said = stacks.delete(URN, AWAY, properties(name="dev", ownerRun="a", **known))
    if kept is None:
        assert (said, life.names) == ((), ["delete"])
    else:
        assert life.names == []
        assert said[0].startswith(f"Kept {kept} named 'dev': in no stack, and not this one's.")


@pytest.mark.parametrize(
    ("deleted", "lines"),
    [
        (None, ()),
        (Deleted("dev", (), (), (), None, True), ()),
        (
            Deleted("dev", (), (), (Kept("artifact_store", "s", "used"),), None, True),
            ("Kept artifact_store s: used.",),
        ),
        (
            Deleted("dev", (), (), (), "default", True),
            ("It was the active stack; default is active now.",),
        ),
    ],
)
def test_a_deletion_says_what_stays_and_what_is_active_now(
    live: Live, deleted: Deleted | None, lines: tuple[str, ...]
) -> None:
    life = live(dev=there())
    life.deleted = deleted
    assert stacks.delete(URN, ID, OURS) == lines


def test_a_deletion_of_what_is_gone_is_none_and_any_other_failure_is_one(live: Live) -> None:
    life = live(dev=there())
    life.fails["delete"] = StackNotFound("x")
    assert stacks.delete(URN, ID, OURS) == ()
    life.fails["delete"] = ProtectedStackError("x")
    with pytest.raises(ProtectedStackError):
        stacks.delete(URN, ID, OURS)


def test_a_deletion_has_the_token_of_the_state_and_else_none(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This machine's may be that of a later creation."""
    life = live(dev=there())
    monkeypatch.setattr(runs, "latest", lambda urn: f"latest of {urn}")
    stacks.delete(URN, ID, OURS)
    stacks.delete(URN, ID, properties(name="dev"))
    stacks.delete(URN, ID, properties(name="dev", ownerRun=""))
    assert [call[2].run for call in life.calls] == ["a", "", ""]


def test_the_ids_of_these_tests_are_ids() -> None:
    assert UUID(ID) != UUID(AWAY)
    assert view_of(LOCAL).labels == {MANAGED_LABEL: "true"}


# --- numbers, which are floats on the wire


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        (3, []),
        (3.0, []),
        (2.5, ["it has to be a whole number"]),
        (True, ["it has to be a whole number"]),
        ("3", ["it has to be a whole number"]),
    ],
)
def test_a_whole_number_of_a_program_is_a_float(value: object, texts: list[str]) -> None:
    component = provisioning(Cloud.AWS).component
    given = {"stack": "prod", "type": "kubernetes", "region": "eu-west-1", "nodes": value}
    assert [problem.what for problem in component_args.problems(component, given)] == texts
    options = {"endpoint_access": [], "nodes": value}
    keys = {"name": "prod", "type": "kubernetes", "region": "eu-west-1"}
    spec, problems = checked(
        {**keys, "resources": {"cluster": "create"}, "infrastructure": options}
    )
    assert bool(problems) is bool(texts)
    if spec is not None:
        assert spec.infrastructure.given()["nodes"] == 3
        assert isinstance(spec.infrastructure.nodes, int)


def test_the_report_of_the_function_is_the_commands_and_ends_with_one_summary() -> None:
    lines = report_text(REPORT).splitlines()
    assert lines == list(text(REPORT))
    assert lines.count(summary(REPORT)) == 1
    assert lines[-1] == summary(REPORT)
