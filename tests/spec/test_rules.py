"""The rules of a description, clause by clause: three rows where two halves decide."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.errors import DescriptionError, Problem
from kitaru_iac.redaction import SecretText
from kitaru_iac.spec import Extra, from_mapping, load, merge, to_mapping
from kitaru_iac.spec.credentials import Credentials
from kitaru_iac.spec.draft import Draft, Origins
from kitaru_iac.spec.extras import checked_extra, merge_extras, parse_extra
from kitaru_iac.spec.fields import FIELDS
from kitaru_iac.spec.kinds import Cloud, StackType
from kitaru_iac.spec.loading import Merged
from kitaru_iac.spec.resources import RESOURCES
from kitaru_iac.spec.rules import check, check_singly, key_suggestion
from kitaru_iac.spec.wording import example, flag_of
from tests.spec.bad_inputs import AKS, AZUREML, GKE, GOOD, KUBERNETES, LOCAL_S3, SAGEMAKER, VERTEX

SECRET = "hunter2-SECRET"
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
GAR = "us-central1-docker.pkg.dev/my-project/my-repo"
UUID = "00000000-0000-0000-0000-000000000123"
BASES: dict[str, dict[str, Any]] = {**GOOD, "local-s3": LOCAL_S3}


def given(base: str, **changes: Any) -> dict[str, Any]:
    """A good description with changes; None takes a key away, `async_` is `async`."""
    renamed = {"async" if key == "async_" else key: value for key, value in changes.items()}
    made = {"name": "prod", **BASES[base], **renamed}
    return {key: value for key, value in made.items() if value is not None}


def problems(mapping: Any) -> tuple[Problem, ...]:
    with pytest.raises(DescriptionError) as caught:
        from_mapping(mapping)
    return caught.value.problems


def fields(mapping: dict[str, Any]) -> list[str]:
    try:
        from_mapping(mapping)
    except DescriptionError as error:
        return [problem.field for problem in error.problems]
    return []


# --- no secret is repeated, wherever it was put


def everything_told(error: DescriptionError) -> str:
    """Every field of every problem, and what is printed and logged of it."""
    parts: list[Any] = [str(error), repr(error), error.to_dict(), error.args, error.what]
    parts += [error.why, error.remedy, error.where]
    for p in error.problems:
        parts += [p.field, p.what, p.why, p.remedy, p.source, str(p), p.to_dict()]
    return "\n".join(map(str, parts))


@pytest.mark.parametrize(
    "value",
    [
        4711,
        -4711,
        4711.25,
        [4711],
        {"key": 4711},
        {4711: "key"},
        ("aws-access-keys", 4711),
        {"nested": [{"deep": 4711}]},
    ],
)
@pytest.mark.parametrize("base", ["kubernetes", "local"])
def test_credentials_of_another_kind_are_not_repeated(value: Any, base: str) -> None:
    for asked in (
        lambda: from_mapping(given(base, credentials=value)),
        lambda: load({**given(base), "credentials": value}),
    ):
        with pytest.raises(DescriptionError) as caught:
            asked()
        told = everything_told(caught.value)
        assert "credentials has to be text" in told
        assert "4711" not in told


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("4711", "a number"),
        ("4711.5", "a number"),
        ("[4711]", "a list"),
        ("{4711: 4711}", "a mapping"),
        ("true", "true or false"),
    ],
)
def test_credentials_of_another_kind_in_a_file_are_not_repeated(written: str, kind: str) -> None:
    file = io.StringIO(f"name: dev\nartifact_store: s3://my-bucket\ncredentials: {written}\n")
    with pytest.raises(DescriptionError) as caught:
        load({}, "-", stdin=file)
    (problem,) = (p for p in caught.value.problems if p.field == "credentials")
    assert problem.what == f"credentials has to be text, not {kind}"
    assert problem.source == "stdin:3"
    assert problem.remedy == (
        "Put it in quotes." if kind in {"a number", "true or false"} else None
    )
    assert "4711" not in everything_told(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"credentials": SECRET},
        {"credentials": f" {SECRET} "},
        {"credentials": f"aws-access-keys:{SECRET}"},
        {"credentials": f"azure-access-token:{SECRET}"},
        {"credentials": f"env:{SECRET}"},
        {"credentials": f"aws-access-keys:A:{SECRET}", "connector": "c"},
        {"credentials": f"aws-access-keys:A:{SECRET}", "region": "nowhere"},
        {"credentials": f'{{"private_key": "{SECRET}"}}'},
        {"verify": SECRET},
        {"async": SECRET},
        {"extra": SECRET},
        {"extra": [SECRET]},
        {"extra": {"orchestrator": SECRET}},
        {"extra": {"orchestrator": {"a-b": SECRET}}},
        {"extra": {"nobody": {"password": SECRET}}},
        {"extra": {"artifact_store": {"path": SECRET}}},
        {"extra": {"container_registry": {"uri": SECRET}}},
        {"extra": {"orchestrator": {"kubernetes_namespace": SECRET}}},
        {
            "container_registry": f"{ECR}/images",
            "extra": {"container_registry": {"default_repository": SECRET}},
        },
        {"resources": SECRET},
        {"resources": [SECRET]},
        {"resources": {"bucket": [SECRET]}},
        {"artifact_store": f"s3://AKIA:{SECRET}@my-bucket"},
        {"container_registry": f"me:{SECRET}@ghcr.io"},
        {"artifact_store": [SECRET]},
        {"name": {SECRET: SECRET}},
    ],
)
def test_a_secret_in_a_wrong_place_is_not_repeated(changes: dict[str, Any]) -> None:
    with pytest.raises(DescriptionError) as caught:
        from_mapping({**given("kubernetes"), **changes})
    assert SECRET not in everything_told(caught.value)


@pytest.mark.parametrize(
    "extra",
    [
        f"orchestrator={SECRET}",
        f"orchestrator.={SECRET}",
        f"orchestrator..a={SECRET}",
        f"orchestrator.a-b={SECRET}",
        f"nobody.a={SECRET}",
        f"orchestrator.a=[{SECRET}",
        f'orchestrator.a="{SECRET}',
        f"orchestrator.a={{b: !{SECRET} c}}",
        f"artifact_store.path={SECRET}",
    ],
)
def test_a_secret_of_an_extra_is_not_repeated(extra: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        load(given("vertex"), extra=[extra])
    assert SECRET not in everything_told(caught.value)


# --- kinds of values


TEXTS = sorted(
    key
    for key, info in FIELDS.items()
    if info.kind == "text" and key not in {"type", "credentials"}
)


@pytest.mark.parametrize(
    ("value", "kind", "remedy"),
    [
        (True, "true or false", "Put it in quotes."),
        (False, "true or false", "Put it in quotes."),
        (7, "a number", 'Put it in quotes: `{key}: "7"`.'),
        (1.5, "a number", "Put it in quotes."),
        ({"a": 1}, "a mapping", None),
        (["a"], "a list", None),
        (("a",), "a list", None),
        (b"a", "a bytes", None),
        (object(), "a object", None),
    ],
)
def test_text_has_to_be_text(value: Any, kind: str, remedy: str | None) -> None:
    for key in TEXTS:
        base = next(
            b for b in BASES if StackType(BASES[b].get("type", "local")) in FIELDS[key].types
        )
        found = [p for p in problems({**given(base), key: value}) if p.field == key]
        assert [p.what for p in found] == [f"{key} has to be text, not {kind}"]
        assert found[0].remedy == (remedy and remedy.format(key=key))


def test_the_type_has_to_be_text_too() -> None:
    (problem,) = problems({"name": "dev", "type": 7})
    assert (problem.field, problem.remedy) == ("type", 'Put it in quotes: `type: "7"`.')


@pytest.mark.parametrize("value", ["", " ", "\n"])
@pytest.mark.parametrize("flags", [True, False])
def test_text_that_is_empty_is_not_there(value: str, flags: bool) -> None:
    made: Any = load if flags else from_mapping
    with pytest.raises(DescriptionError) as caught:
        made({**given("kubernetes"), "region": value})
    (problem,) = caught.value.problems
    assert (problem.what, problem.remedy) == (
        *("region is empty", "Give a value, or leave it out."),
    )
    # only a shell has variables
    assert problem.why == ("an unset variable of the shell leaves nothing" if flags else None)


@pytest.mark.parametrize("value", [" prod", "prod ", "\tprod\n"])
def test_blanks_around_a_text_are_shown_away(value: str) -> None:
    (problem,) = problems(given("local", name=value))
    assert (problem.what, problem.remedy) == ("name has blanks around it", "Write `prod`.")


def test_blanks_around_credentials_are_none_s_business() -> None:
    assert from_mapping(given("kubernetes", credentials=" aws-profile:x ")).credentials is not None


@pytest.mark.parametrize(
    ("value", "kind", "word"),
    [
        ("yes", "text", "true"),
        (" On ", "text", "true"),
        ("TRUE", "text", "true"),
        ("1", "text", "true"),
        (1, "a number", "true"),
        ("no", "text", "false"),
        ("off", "text", "false"),
        ("False", "text", "false"),
        ("0", "text", "false"),
        (0, "a number", "false"),
        ("y", "text", None),
        (2, "a number", None),
        (1.0, "a number", None),
        ([], "a list", None),
        ({}, "a mapping", None),
    ],
)
@pytest.mark.parametrize("key", ["verify", "activate"])
def test_a_switch_is_true_or_false(key: str, value: Any, kind: str, word: str | None) -> None:
    (problem,) = problems({**given("local"), key: value})
    assert problem.what == f"{key} has to be true or false, not {kind}"
    assert problem.remedy == (f"Write `{key}: {word}`, without quotes." if word else None)


@pytest.mark.parametrize("value", [True, False])
def test_a_switch_is_kept_as_it_is(value: bool) -> None:
    spec = from_mapping({**given("vertex"), "verify": value, "activate": value, "async": value})
    assert (spec.verify, spec.activate, spec.async_) == (value, value, value)


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("bucket", "artifact_store"),
        (" --Bucket ", "artifact_store"),
        ("role-arn", "execution_role"),
        ("Stack Name", "name"),
        ("regoin", "region"),
        ("--region", "region"),
        ("zzz", None),
        ("", None),
    ],
)
def test_the_key_that_was_meant(key: str, found: str | None) -> None:
    assert key_suggestion(key) == found
    if key != "--region":
        (problem,) = problems({**given("local"), key: "x"})
        expected = f"Did you mean `{found}`?" if found else f"The keys are {', '.join(FIELDS)}."
        assert problem.remedy == expected


def test_a_key_that_is_none_hides_no_other_problem() -> None:
    keys: dict[Any, Any] = {**given("kubernetes", region="nowhere"), "banana": 1, 7: 2}
    assert fields(keys) == [
        *("banana", "7", "region"),
    ]


@pytest.mark.parametrize(
    ("type_", "remedy"),
    [
        ("K8S", "Did you mean `kubernetes`?"),
        ("vertex-ai", "Did you mean `vertex`?"),
        ("Azure ML", "Did you mean `azureml`?"),
        ("locl", "Did you mean `local`?"),
        ("zzz", None),
    ],
)
def test_the_type_that_was_meant(type_: str, remedy: str | None) -> None:
    (problem,) = problems({"name": "dev", "type": type_})
    assert problem.what == f"`{type_}` is not a type of stack"
    assert problem.why == "they are local, kubernetes, vertex, sagemaker, azureml"
    assert problem.remedy == remedy


def test_without_a_type_values_are_checked_by_themselves() -> None:
    wrong = {"type": "zzz", "artifact_store": "s3://my-bucket", "cluster": "c", "namespace": "N"}
    assert fields(wrong) == ["type", "namespace", "name"]
    assert fields({**wrong, "name": "dev"}) == ["type", "namespace"]
    assert fields({**wrong, "name": "a/b"}) == ["type", "name", "namespace"]


@pytest.mark.parametrize(
    ("mapping", "unknown", "found"),
    [
        # each value by itself; what is missing or does not fit together is not looked for
        ({"type": "kubernetes"}, (), []),
        ({"type": "vertex", "artifact_store": "s3://my-bucket"}, (), []),
        ({"type": "kubernetes", "cluster": "a b"}, (), []),
        ({"name": "a/b", "namespace": "N"}, ("type",), ["name", "namespace"]),
        ({"zzz": 1}, (), ["zzz"]),
        ({"type": "zzz"}, (), ["type"]),
        ({"type": "vertex", "namespace": "N_"}, (), ["namespace"]),
        # what a type has not, where the type is known
        ({"type": "vertex", "cluster": "c"}, (), ["cluster"]),
        ({"type": "vertex", "cluster": "c"}, ("type",), []),
        ({"cluster": "c"}, (), ["cluster"]),
        ({"cluster": "c"}, ("type",), []),
    ],
)
def test_values_are_checked_singly_where_others_are_not_known(
    mapping: dict[str, Any], unknown: tuple[str, ...], found: list[str]
) -> None:
    if not found:
        check_singly(mapping, unknown)
        return
    with pytest.raises(DescriptionError) as caught:
        check_singly(mapping, unknown)
    assert [problem.field for problem in caught.value.problems] == found


def test_what_is_wrong_with_its_type_is_not_looked_at_again() -> None:
    (problem,) = problems(given("vertex", namespace="N_"))
    assert problem.what == "type vertex has no namespace"


@pytest.mark.parametrize("base", ["kubernetes", "gke", "aks", "local-s3"])
def test_values_may_be_handed_over_parsed(base: str) -> None:
    spec = from_mapping(given(base, credentials="implicit"))
    parsed = {
        "artifact_store": spec.artifact_store,
        "container_registry": spec.container_registry,
        "credentials": spec.credentials,
    }
    assert from_mapping({**given(base), **parsed}) == spec
    # each in its own place alone
    wrong = {**given(base), "artifact_store": spec.credentials, "credentials": spec.artifact_store}
    assert {"artifact_store", "credentials"} <= set(fields(wrong))


# --- credentials and where they stand


@pytest.mark.parametrize("text", ["-", " - "])
def test_standard_input_is_a_command_s(text: str) -> None:
    (problem,) = problems(given("kubernetes", credentials=text))
    assert problem.what.startswith("`-` stands for the standard input of a command")
    assert problem.remedy == "Use env:NAME or file:PATH."
    flags = {**given("kubernetes"), "credentials": text}
    spec = load(flags, stdin=io.StringIO("aws-profile:x"))
    assert str(spec.credentials) == "aws-profile:x"


def test_standard_input_holds_the_credentials_or_the_description(tmp_path: Path) -> None:
    text = "".join(f"{key}: {value}\n" for key, value in given("kubernetes").items())
    with pytest.raises(DescriptionError) as caught:
        load({"credentials": "-"}, "-", stdin=io.StringIO(text))
    (problem,) = caught.value.problems
    assert problem.remedy == "Use env:NAME or file:PATH for one of the two."
    with pytest.raises(DescriptionError, match="which held the description"):
        load({"credentials": " - "}, "-", stdin=io.StringIO(text))
    inside = io.StringIO(f"{text}credentials: aws-profile:y\n")
    assert str(load({}, "-", stdin=inside).credentials) == "aws-profile:y"
    file = tmp_path / "stack.yaml"
    file.write_text(f"{text}credentials: '-'\n")
    assert str(load({}, file, stdin=io.StringIO("aws-profile:x")).credentials) == "aws-profile:x"


# --- resources


@pytest.mark.parametrize(
    ("resources", "found"),
    [
        ({}, {}),
        ({"bucket": None}, {}),
        ({"bucket": None, "registry": "skip"}, {"registry": "skip"}),
        ({"bucket": "existing", "role": "create"}, {"bucket": "existing", "role": "create"}),
    ],
)
def test_resources_that_are_named(resources: dict[str, Any], found: dict[str, str]) -> None:
    spec = from_mapping(given("sagemaker", infra="provision", resources=resources))
    assert spec.resources == found


@pytest.mark.parametrize(
    ("changes", "field", "what", "remedy"),
    [
        (
            {"infra": "verify", "resources": ["bucket"]},
            "resources",
            "resources has to be a mapping, not a list",
            "Write one line per resource, as `bucket: existing`.",
        ),
        (
            {"infra": "verify", "resources": {"bucket": 7}},
            "resources.bucket",
            "resources.bucket has to be text, not a number",
            "Write one of existing, create, skip.",
        ),
        (
            {"infra": "verify", "resources": {"bucket": "Create"}},
            "resources.bucket",
            "`Create` is not a mode of a resource",
            "Did you mean `create`?",
        ),
        (
            {"infra": "verify", "resources": {"bukket": "existing"}},
            "resources.bukket",
            "type sagemaker has no resource `bukket`",
            "Did you mean `bucket`?",
        ),
        (
            {"infra": "verify", "resources": {"cluster": "existing"}},
            "resources.cluster",
            "type sagemaker has no resource `cluster`",
            None,
        ),
        # `create` is provisioning's, each half by itself
        *(
            (
                {"infra": infra, "resources": {"bucket": "create"}},
                "resources.bucket",
                f"`create` needs `infra: provision`, and infra is `{infra or 'none'}`",
                "Write `infra: provision`, or `existing`.",
            )
            for infra in ("verify",)
        ),
        (
            {"resources": {"bucket": "existing"}},
            "resources",
            "resources has no effect with infra `none`",
            "Write `infra: verify` or `infra: provision`.",
        ),
    ],
)
def test_what_is_wrong_with_resources(
    changes: dict[str, Any], field: str, what: str, remedy: str | None
) -> None:
    (problem,) = problems(given("sagemaker", **changes))
    assert (problem.field, problem.what, problem.remedy) == (field, what, remedy)


@pytest.mark.parametrize(
    ("infra", "mode", "found"),
    [
        ("provision", "create", []),
        ("verify", "existing", []),
        ("verify", "skip", []),
        ("verify", "create", ["resources.bucket"]),
        ("none", "create", ["resources.bucket"]),
        ("none", "existing", ["resources"]),
        (None, "skip", ["resources"]),
        (None, None, []),
        # an infra that is wrong is the one problem
        ("zzz", "create", ["infra"]),
        ("zzz", "existing", ["infra"]),
    ],
)
def test_modes_of_resources_and_of_the_whole(
    infra: str | None, mode: str | None, found: list[str]
) -> None:
    resources = {"bucket": mode} if mode else None
    assert fields(given("sagemaker", infra=infra, resources=resources)) == found


@pytest.mark.parametrize(
    ("base", "registry", "fine"),
    [
        ("kubernetes", ECR, True),
        ("kubernetes", "ghcr.io/me", False),
        ("gke", "europe-west1-docker.pkg.dev/my-project/my-repo", True),
        ("gke", "gcr.io/my-project", False),
        ("aks", "demo1.azurecr.io", True),
    ],
)
def test_only_a_cloud_s_own_registry_can_be_made(base: str, registry: str, fine: bool) -> None:
    for mode in ("create", "existing", "skip"):
        found = fields(
            given(
                base, container_registry=registry, infra="provision", resources={"registry": mode}
            )
        )
        assert found == ([] if fine or mode != "create" else ["resources.registry"])
    others = given(
        base, container_registry=registry, infra="provision", resources={"bucket": "create"}
    )
    assert fields(others) == []


@pytest.mark.parametrize("infra", ["verify", "provision", "none"])
def test_a_stack_on_this_machine_has_no_infrastructure(infra: str) -> None:
    assert fields(given("local", infra=infra)) == ([] if infra == "none" else ["infra"])
    assert fields(given("local-s3", infra=infra)) == []
    # a store that is wrong is told alone
    assert fields(given("local", artifact_store="s3://x", infra=infra)) == ["artifact_store"]


# --- belonging to a type


@pytest.mark.parametrize(
    ("mapping", "remedies"),
    [
        ({"cluster": "c"}, {"cluster": "Add `type: kubernetes`."}),
        (
            {"type": "local", "cluster": "c"},
            {"cluster": "Leave it out, or use type kubernetes."},
        ),
        (
            {"type": "vertex", "subscription_id": UUID},
            {"subscription_id": "Leave it out, or use type local or kubernetes or azureml."},
        ),
        (
            {"container_registry": ECR},
            {"container_registry": "Add `type: kubernetes | vertex | sagemaker | azureml`."},
        ),
        # only the types that have them all
        (
            {"cluster": "c", "container_registry": ECR},
            {
                "container_registry": "Add `type: kubernetes`.",
                "cluster": "Add `type: kubernetes`.",
            },
        ),
        (
            {"cluster": "c", "workspace": "abc"},
            dict.fromkeys(("cluster", "workspace"), "Leave it out."),
        ),
        ({"async": True}, {"async": "Add `type: kubernetes | vertex | sagemaker | azureml`."}),
    ],
)
def test_a_key_leads_to_the_types_that_have_it(
    mapping: dict[str, Any], remedies: dict[str, str]
) -> None:
    type_ = mapping.get("type", "local")
    found = {p.field: p for p in problems({"name": "dev", **mapping}) if "has no" in p.what}
    assert {field: p.remedy for field, p in found.items()} == remedies
    assert {p.what for p in found.values()} == {f"type {type_} has no {key}" for key in remedies}


def test_a_command_line_is_led_to_its_flag() -> None:
    with pytest.raises(DescriptionError) as caught:
        load({"name": "dev", "cluster": "c"})
    (problem,) = caught.value.problems
    assert problem.remedy == "Add `--type kubernetes`."
    assert (problem.why, problem.source) == ("its flows run on this machine", "--cluster")


@pytest.mark.parametrize(
    ("base", "changes", "why"),
    [
        ("local", {"cluster": "c"}, "its flows run on this machine"),
        ("kubernetes", {"workspace": "abc"}, "its flows run in a cluster"),
        ("vertex", {"cluster": "c"}, "Vertex AI brings its own machines"),
        ("sagemaker", {"cluster": "c"}, "SageMaker brings its own machines"),
        ("azureml", {"cluster": "c"}, "Azure ML brings its own machines"),
        ("kubernetes", {"artifact_store": "/data"}, "its flows run elsewhere"),
        ("vertex", {"artifact_store": "s3://my-bucket"}, None),
        (
            "sagemaker",
            {"container_registry": "ghcr.io/me"},
            "it reaches only registries of AWS",
        ),
        (
            "vertex",
            {"container_registry": ECR},
            "a stack has one connector, to one cloud",
        ),
        (
            "kubernetes",
            {
                "container_registry": "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
                "region": "cn-north-1",
            },
            "its AWS connector knows only hosts that end in `amazonaws.com`",
        ),
        ("kubernetes", {"region": "eu-west-2"}, "ZenML's AWS connector works in one region"),
        (
            "sagemaker",
            {"execution_role": "arn:aws-cn:iam::123456789012:role/x"},
            "AWS keeps partitions apart",
        ),
        ("vertex", {"project": "other-project"}, "ZenML's GCP connector works in one project"),
        (
            "kubernetes",
            {"connector": "c", "credentials": "implicit"},
            "an existing connector has its own credentials",
        ),
        (
            "sagemaker",
            {"infra": "verify", "resources": {"cluster": "skip"}},
            "its resources are bucket, registry, role",
        ),
        (
            "sagemaker",
            {
                "container_registry": f"{ECR}/a2",
                "extra": {"container_registry": {"default_repository": "b"}},
            },
            "an ECR registry has one default repository",
        ),
    ],
)
def test_a_problem_says_which_rule_is_broken(
    base: str, changes: dict[str, Any], why: str | None
) -> None:
    (problem,) = problems(given(base, **changes))
    assert problem.why == why


@pytest.mark.parametrize(
    ("base", "changes", "remedy"),
    [
        ("kubernetes", {"connector": "c", "credentials": "implicit"}, "Leave one of them out."),
        ("gke", {"credentials": "aws-profile:x"}, "Use some of GCP, or `implicit`."),
        (
            "local",
            {"infra": "verify"},
            "Leave it out, or give an artifact store, as `s3://my-bucket/kitaru`.",
        ),
        (
            "kubernetes",
            {
                "container_registry": "ghcr.io/me",
                "infra": "provision",
                "resources": {"registry": "create"},
            },
            "Write `existing`.",
        ),
        (
            "kubernetes",
            {
                "artifact_store": None,
                "container_registry": "ghcr.io/me",
                "region": "nowhere",
                "infra": "provision",
            },
            "Give artifact_store, as `s3://my-bucket/kitaru`, or a region that shows it.",
        ),
        ("local", {"extra": {"container_registry": {"x": 1}}}, "Leave it out."),
        (
            "local",
            {"extra": 7},
            "Write `TARGET:` with `FIELD: VALUE` lines below it.",
        ),
        ("local", {"extra": {"orchestrator": 7}}, "Write `FIELD: VALUE` lines below it."),
    ],
)
def test_a_problem_says_what_to_do(base: str, changes: dict[str, Any], remedy: str) -> None:
    (problem,) = problems(given(base, **changes))
    assert problem.remedy == remedy


@pytest.mark.parametrize(
    ("value", "found"), [(False, []), (True, ["async"]), ("no", ["async"]), (None, [])]
)
def test_a_switch_that_is_off_belongs_everywhere(value: Any, found: list[str]) -> None:
    assert fields({**given("local"), "async": value}) == found


# --- clouds


@pytest.mark.parametrize(
    ("base", "changes", "field", "what", "remedy"),
    [
        *(
            (
                base,
                {"artifact_store": "/data"},
                "artifact_store",
                f"type {type_} cannot store artifacts in a folder of this machine",
                f"Use a bucket, as `{bucket}`.",
            )
            for base, type_, bucket in (
                ("kubernetes", "kubernetes", "s3://my-bucket/kitaru"),
                ("gke", "kubernetes", "gs://my-bucket/kitaru"),
                ("vertex", "vertex", "gs://my-bucket/kitaru"),
                ("sagemaker", "sagemaker", "s3://my-bucket/kitaru"),
                ("azureml", "azureml", "az://my-container/kitaru"),
            )
        ),
        (
            "vertex",
            {"artifact_store": "az://box"},
            "artifact_store",
            "`az://box` is in Azure, and type vertex runs in GCP",
            "Use a GCS bucket, as `gs://my-bucket/kitaru`.",
        ),
        (
            "sagemaker",
            {"artifact_store": "gs://my-bucket"},
            "artifact_store",
            "`gs://my-bucket` is in GCP, and type sagemaker runs in AWS",
            "Use an S3 bucket, as `s3://my-bucket/kitaru`.",
        ),
        (
            "azureml",
            {"artifact_store": "s3://my-bucket"},
            "artifact_store",
            "`s3://my-bucket` is in AWS, and type azureml runs in Azure",
            "Use a blob container, as `az://my-container/kitaru`.",
        ),
        (
            "vertex",
            {"container_registry": "ghcr.io/me"},
            "container_registry",
            "type vertex cannot pull images from `ghcr.io`",
            f"Use an Artifact Registry repository, as `{GAR}`.",
        ),
        (
            "sagemaker",
            {"container_registry": "ghcr.io/me"},
            "container_registry",
            "type sagemaker cannot pull images from `ghcr.io`",
            f"Use an ECR registry, as `{ECR}`.",
        ),
        (
            "kubernetes",
            {"container_registry": "demo1.azurecr.io"},
            "container_registry",
            "`demo1.azurecr.io` is in Azure, and the artifact store is in AWS",
            f"Use an ECR registry, as `{ECR}`.",
        ),
        (
            "azureml",
            {"container_registry": ECR},
            "container_registry",
            f"`{ECR}` is in AWS, and type azureml runs in Azure",
            "Use an Azure container registry, as `demo1.azurecr.io`.",
        ),
        (
            "kubernetes",
            {
                "container_registry": "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
                "region": "cn-north-1",
            },
            "container_registry",
            "ZenML cannot reach the registry `123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn`",
            None,
        ),
    ],
)
def test_store_and_registry_are_in_the_cloud_of_the_stack(
    base: str, changes: dict[str, Any], field: str, what: str, remedy: str | None
) -> None:
    (problem,) = problems(given(base, **changes))
    assert (problem.field, problem.what, problem.remedy) == (field, what, remedy)


@pytest.mark.parametrize(
    ("base", "registry"),
    [
        ("kubernetes", "ghcr.io/me"),
        ("azureml", "ghcr.io/me"),
        ("aks", "docker.io/me"),
    ],
)
def test_kubernetes_and_azureml_pull_from_anywhere(base: str, registry: str) -> None:
    assert fields(given(base, container_registry=registry)) == []


@pytest.mark.parametrize(
    ("base", "changes", "found"),
    [
        # a zone will do for a cluster of GKE alone
        ("gke", {"region": "europe-west1-b"}, []),
        ("vertex", {"region": "us-central1-a"}, ["region"]),
        ("kubernetes", {"region": "eu-west-1a"}, ["region"]),
        # the registry's region, where both are right
        ("kubernetes", {"region": "eu-west-2"}, ["region"]),
        ("sagemaker", {"region": "eu-west-2"}, ["region"]),
        ("kubernetes", {"region": "nowhere"}, ["region"]),
        (
            "kubernetes",
            {"region": "eu-west-2", "container_registry": "12.dkr.ecr.eu-west-1.amazonaws.com"},
            ["container_registry"],
        ),
        ("kubernetes", {"region": "eu-west-2", "container_registry": "ghcr.io/me"}, []),
        ("gke", {"region": "us-east1"}, []),
        ("vertex", {"region": "us-east1"}, []),
        # nobody knows a region without a cloud
        (
            "kubernetes",
            {
                "region": "nowhere",
                "artifact_store": None,
                "container_registry": "ghcr.io/me",
                "infra": "provision",
            },
            ["artifact_store"],
        ),
    ],
)
def test_the_region_is_of_the_cloud_and_of_the_registry(
    base: str, changes: dict[str, Any], found: list[str]
) -> None:
    assert fields(given(base, **changes)) == found


def test_the_registry_s_region_is_what_to_write() -> None:
    (problem,) = problems(given("kubernetes", region="eu-west-2"))
    assert problem.what == ("region `eu-west-2` is not that of the container registry, `eu-west-1`")
    assert problem.remedy == "Write `eu-west-1`, or use a registry in `eu-west-2`."


@pytest.mark.parametrize(
    ("base", "cluster", "fine"),
    [
        ("kubernetes", "c" * 41, True),
        ("gke", "c" * 41, False),
        ("aks", "c" * 63, True),
        ("aks", "c" * 64, False),
        ("kubernetes", "Prod", True),
        ("gke", "Prod", False),
        ("aks", "c", False),
        ("kubernetes", "c", True),
    ],
)
def test_a_cluster_s_name_is_by_its_cloud(base: str, cluster: str, fine: bool) -> None:
    assert fields(given(base, cluster=cluster)) == ([] if fine else ["cluster"])


ROLE = "arn:aws:iam::999999999999:role/x"


@pytest.mark.parametrize(
    ("changes", "found", "remedy"),
    [
        ({"execution_role": ROLE}, [], None),
        (
            {"execution_role": "x"},
            ["execution_role"],
            "Write `arn:aws:iam::123456789012:role/x`.",
        ),
        (
            {"execution_role": "x", "container_registry": None, "infra": "provision"},
            ["execution_role"],
            "Write `arn:aws:iam::123456789012:role/x`.",
        ),
        (
            {"execution_role": ROLE.replace("aws", "aws-us-gov")},
            ["execution_role"],
            "Use a role `arn:aws:iam::…`, or another region.",
        ),
        # a region that is wrong tells no partition
        (
            {"execution_role": ROLE.replace("aws", "aws-us-gov"), "region": "nowhere"},
            ["region"],
            None,
        ),
        (
            {
                "execution_role": ROLE,
                "region": "us-gov-west-1",
                "container_registry": None,
                "infra": "provision",
            },
            ["execution_role"],
            "Use a role `arn:aws-us-gov:iam::…`, or another region.",
        ),
        (
            {
                "execution_role": ROLE.replace("aws", "aws-us-gov"),
                "region": "us-gov-west-1",
                "container_registry": None,
                "infra": "provision",
            },
            [],
            None,
        ),
    ],
)
def test_a_role_is_of_the_partition_of_the_region(
    changes: dict[str, Any], found: list[str], remedy: str | None
) -> None:
    mapping = given("sagemaker", **changes)
    assert fields(mapping) == found
    if remedy is not None:
        assert problems(mapping)[0].remedy == remedy


def test_a_suggested_role_is_of_the_registry_s_account() -> None:
    registry = ECR.replace("123456789012", "999999999999")
    (problem,) = problems(given("sagemaker", container_registry=registry, execution_role="x"))
    assert problem.remedy == "Write `arn:aws:iam::999999999999:role/x`."


@pytest.mark.parametrize(
    ("base", "changes", "found"),
    [
        ("vertex", {"project": "my-project"}, []),
        ("vertex", {"project": "other-project"}, ["project"]),
        ("gke", {"project": "other-project"}, ["project"]),
        (
            "gke",
            {"project": "other-project", "container_registry": "gcr.io/my-project"},
            ["project"],
        ),
        ("gke", {"project": "my-project", "container_registry": "gcr.io/my-project"}, []),
        ("gke", {"project": "other-project", "container_registry": "ghcr.io/me"}, []),
        # a registry that is wrong tells no project
        (
            "gke",
            {"project": "other-project", "container_registry": f"{ECR}"},
            ["container_registry"],
        ),
        (
            "vertex",
            {"project": "other-project", "container_registry": "us-central1-docker.pkg.dev/x"},
            ["container_registry"],
        ),
        ("kubernetes", {"project": "my-project"}, ["project"]),
        ("aks", {"project": "my-project"}, ["project"]),
        ("gke", {"subscription_id": UUID}, ["subscription_id"]),
        ("gke", {"resource_group": "g"}, ["resource_group"]),
        ("kubernetes", {"subscription_id": UUID}, ["subscription_id"]),
        ("local-s3", {"project": "my-project"}, ["project"]),
        # what is wrong by itself is told once
        ("kubernetes", {"project": "P"}, ["project"]),
        ("gke", {"subscription_id": "x"}, ["subscription_id"]),
        # and a stack of no cloud has nothing of any
        ("local", {"region": "eu-west-1"}, ["region"]),
        ("local", {"credentials": "implicit"}, ["credentials"]),
        ("local", {"connector": "c"}, ["connector"]),
        ("local", {"project": "my-project"}, ["project"]),
        ("local", {"subscription_id": UUID}, ["subscription_id"]),
        ("local", {"resource_group": "g"}, ["resource_group"]),
        ("local", {"resources": {"bucket": "existing"}}, ["resources"]),
        ("local", {"artifact_store": "/no/such/folder", "region": "eu-west-1"}, ["region"]),
        ("local", {"artifact_store": "s3://x", "region": "eu-west-1"}, ["artifact_store"]),
        ("local", {"region": ""}, ["region"]),
    ],
)
def test_what_is_of_another_cloud(base: str, changes: dict[str, Any], found: list[str]) -> None:
    assert fields(given(base, **changes)) == found


def test_what_is_of_another_cloud_is_left_out() -> None:
    (problem,) = problems(given("kubernetes", project="my-project"))
    assert (problem.what, problem.remedy) == ("a stack on AWS has no project", "Leave it out.")
    (problem,) = problems(given("local", region="eu-west-1"))
    assert problem.what == "a local stack without a cloud artifact store has no region"
    assert problem.remedy == "Leave it out, or give an artifact store, as `s3://my-bucket/kitaru`."
    (problem,) = problems(given("local", resources={"bucket": "skip"}))
    assert problem.what == "a local stack without a cloud artifact store has no resources"
    (problem,) = problems(given("vertex", project="other-project"))
    assert (
        problem.what
        == "project `other-project` is not that of the container registry, `my-project`"
    )
    assert problem.remedy == "Write `my-project`, or leave it out."


@pytest.mark.parametrize(
    ("base", "changes", "found"),
    [
        ("kubernetes", {"credentials": "aws-profile:x"}, []),
        ("kubernetes", {"credentials": "implicit"}, []),
        ("gke", {"credentials": "implicit"}, []),
        ("gke", {"credentials": "aws-profile:x"}, ["credentials"]),
        ("aks", {"credentials": "azure-managed-identity"}, []),
        ("sagemaker", {"credentials": "azure-managed-identity"}, ["credentials"]),
        ("kubernetes", {"connector": "c"}, []),
        ("kubernetes", {"connector": "c", "credentials": "implicit"}, ["connector"]),
        (
            "gke",
            {"connector": "c", "credentials": "aws-profile:x"},
            ["connector", "credentials"],
        ),
        # excluded even where it cannot be read
        ("kubernetes", {"connector": "c", "credentials": "x"}, ["credentials", "connector"]),
    ],
)
def test_a_stack_has_one_connector_to_its_cloud(
    base: str, changes: dict[str, Any], found: list[str]
) -> None:
    assert fields(given(base, **changes)) == found


# --- what is missing


NEEDED = {
    "kubernetes": ["artifact_store", "container_registry", "cluster", "region"],
    "gke": ["artifact_store", "container_registry", "cluster", "region"],
    "aks": [
        *("artifact_store", "container_registry", "cluster"),
        *("subscription_id", "resource_group"),
    ],
    "vertex": ["artifact_store", "container_registry", "region"],
    "sagemaker": ["artifact_store", "container_registry", "execution_role", "region"],
    "azureml": [
        *("artifact_store", "container_registry", "workspace"),
        *("subscription_id", "resource_group"),
    ],
    "local-s3": ["region"],
    "local": [],
}


@pytest.mark.parametrize("base", NEEDED)
def test_each_key_that_is_needed_is_missed_and_no_other(base: str) -> None:
    optional = set(BASES[base]) - set(NEEDED[base]) - {"type"}
    if base == "local-s3":
        optional.remove("artifact_store")  # without it the stack is all on this machine
    for key in NEEDED[base]:
        (told,) = problems(given(base, **{key: None}))
        assert (told.field, told.what) == (key, f"{key} is missing")
    for key in optional:
        assert fields(given(base, **{key: None})) == []
    assert fields(given(base, name=None)) == ["name"]


@pytest.mark.parametrize(
    ("mapping", "missing"),
    [
        ({"type": "vertex"}, {"artifact_store", "container_registry", "region"}),
        ({"type": "sagemaker", "infra": "provision"}, {"region"}),
        ({"type": "vertex", "infra": "provision"}, {"region", "project"}),
        (
            {"type": "vertex", "infra": "provision", "connector": "c"},
            {"region"},
        ),
        (
            {"type": "azureml", "infra": "provision"},
            {"subscription_id", "resource_group"},
        ),
        ({"type": "kubernetes", "infra": "provision"}, {"region"}),
        ({"type": "kubernetes", "infra": "provision", "region": "eu-west-1"}, set()),
        ({"type": "kubernetes", "infra": "provision", "project": "my-project"}, {"region"}),
        # a project is GCP's, so this region is none
        (
            {
                "type": "kubernetes",
                "infra": "provision",
                "project": "my-project",
                "region": "eu-west-1",
            },
            {"region"},
        ),
        (
            {
                "type": "kubernetes",
                "infra": "provision",
                "project": "my-project",
                "region": "us-central1",
            },
            set(),
        ),
        (
            {"type": "kubernetes", "infra": "provision", "subscription_id": UUID},
            {"resource_group"},
        ),
        # a store that says nothing of a cloud is the one problem beside what is missing
        (
            {"type": "kubernetes", "artifact_store": "/data"},
            {"artifact_store", "container_registry", "cluster"},
        ),
        # credentials tell no cloud
        (
            {"type": "kubernetes", "credentials": "aws-profile:x"},
            {"artifact_store", "container_registry", "cluster", "region"},
        ),
        (
            {"type": "kubernetes", "infra": "provision", "artifact_store": "s3://my-bucket"},
            {"region"},
        ),
        (
            {"type": "kubernetes", "infra": "provision", "artifact_store": "gs://my-bucket"},
            {"region", "project"},
        ),
        (
            {"type": "kubernetes", "infra": "provision", "artifact_store": "az://box"},
            {"subscription_id", "resource_group"},
        ),
        (
            {"type": "kubernetes", "infra": "verify"},
            {"artifact_store", "container_registry", "cluster", "region"},
        ),
        # what is there already, or not used, has to be named
        *(
            (
                {
                    "type": "sagemaker",
                    "region": "eu-west-1",
                    "infra": "provision",
                    "resources": {resource: mode},
                },
                {key},
            )
            for resource, key in (
                ("bucket", "artifact_store"),
                ("registry", "container_registry"),
                ("role", "execution_role"),
            )
            for mode in ("existing", "skip")
        ),
        (
            {
                "type": "sagemaker",
                "region": "eu-west-1",
                "infra": "provision",
                "resources": {"bucket": "create"},
            },
            set(),
        ),
        # a local stack's connector
        ({"artifact_store": "s3://my-bucket"}, set()),
        ({"artifact_store": "s3://my-bucket", "connector": "c"}, set()),
        ({"artifact_store": "s3://my-bucket", "credentials": "implicit"}, {"region"}),
        ({"artifact_store": "gs://my-bucket"}, set()),
        ({"artifact_store": "gs://my-bucket", "connector": "c"}, set()),
        ({"artifact_store": "gs://my-bucket", "credentials": "implicit"}, {"project"}),
        ({"artifact_store": "az://box", "credentials": "implicit"}, set()),
    ],
)
def test_what_is_needed_by_type_cloud_and_infrastructure(
    mapping: dict[str, Any], missing: set[str]
) -> None:
    assert set(fields({"name": "prod", **mapping})) == missing


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({}, []),
        ({"container_registry": "ghcr.io/me"}, ["project"]),
        ({"container_registry": "ghcr.io/me", "project": "my-project"}, []),
        ({"container_registry": "ghcr.io/me", "connector": "c"}, []),
        ({"container_registry": "gcr.io/my-project"}, []),
        # a registry that is missing or wrong would tell the project
        ({"container_registry": None}, ["container_registry"]),
        ({"container_registry": "demo1.azurecr.io"}, ["container_registry"]),
    ],
)
def test_a_project_is_needed_where_no_registry_tells_it(
    changes: dict[str, Any], missing: list[str]
) -> None:
    assert fields(given("gke", **changes)) == missing


def test_why_a_key_is_needed() -> None:
    def whys(**mapping: Any) -> dict[str, str | None]:
        return {p.field: p.why for p in problems({"name": "prod", **mapping})}

    assert whys(type="kubernetes", artifact_store="s3://my-bucket")["region"] == (
        "type kubernetes on AWS needs it"
    )
    assert whys(type="kubernetes")["region"] == "type kubernetes on AWS and GCP needs it"
    assert whys(type="vertex")["region"] == "type vertex needs it"
    assert whys(type="azureml")["resource_group"] == "type azureml on Azure needs it"
    assert whys(type="azureml")["workspace"] == "type azureml needs it"
    assert whys(
        type="sagemaker", region="eu-west-1", infra="provision", resources={"role": "skip"}
    ) == {"execution_role": "role is `skip`"}
    assert whys(artifact_store="s3://my-bucket", credentials="implicit") == {
        "region": "the connector to AWS needs it"
    }
    assert whys(artifact_store="gs://my-bucket", credentials="implicit") == {
        "project": "the connector to GCP needs it, and no registry names it"
    }
    assert problems({})[0].why == "a stack has a name"


@pytest.mark.parametrize(
    ("flags", "file", "remedies"),
    [
        (
            True,
            None,
            {"name": "Give a name, as `prod-k8s`.", "region": "Give `--region eu-west-1`."},
        ),
        (
            False,
            "name: dev\n",
            {
                "artifact_store": "Give `--artifact-store s3://my-bucket/kitaru`.",
                "region": "Give `--region eu-west-1`.",
            },
        ),
    ],
)
def test_what_is_missing_is_given_as_a_flag(
    flags: bool, file: str | None, remedies: dict[str, str]
) -> None:
    stdin = io.StringIO(file) if file else None
    with pytest.raises(DescriptionError) as caught:
        load({"type": "sagemaker"}, "-" if file else None, stdin=stdin)
    found = {p.field: p for p in caught.value.problems}
    for key, remedy in remedies.items():
        assert found[key].remedy == remedy
        place = "stdin" if file else ("NAME" if key == "name" else f"--{key}")
        assert found[key].source == place
    assert ("name" in found) is flags


# --- fields that stand in two places


@pytest.mark.parametrize(
    ("base", "extra", "found"),
    [
        ("kubernetes", {"artifact_store": {"path": "s3://my-bucket/kitaru"}}, []),
        ("kubernetes", {"artifact_store": {"path": "s3://other"}}, ["artifact_store.path"]),
        ("kubernetes", {"container_registry": {"uri": ECR}}, []),
        ("kubernetes", {"container_registry": {"uri": "x"}}, ["container_registry.uri"]),
        ("kubernetes", {"container_registry": {"uri": None}}, []),
        (
            "kubernetes",
            {"orchestrator": {"kubernetes_namespace": "ml"}},
            ["orchestrator.kubernetes_namespace"],
        ),
        ("kubernetes", {"orchestrator": {"location": "x", "region": "y"}}, []),
        ("vertex", {"orchestrator": {"location": "us-central1"}}, []),
        ("vertex", {"orchestrator": {"location": "us-east1"}}, ["orchestrator.location"]),
        ("vertex", {"orchestrator": {"kubernetes_namespace": "ml"}}, []),
        ("sagemaker", {"orchestrator": {"region": "eu-west-2"}}, ["orchestrator.region"]),
        (
            "sagemaker",
            {"orchestrator": {"execution_role": "x"}},
            ["orchestrator.execution_role"],
        ),
        (
            "sagemaker",
            {
                "orchestrator": {
                    "execution_role": SAGEMAKER["execution_role"],
                    "region": "eu-west-1",
                }
            },
            [],
        ),
        *(
            ("azureml", {"orchestrator": {key: "x"}}, [f"orchestrator.{key}"])
            for key in ("subscription_id", "resource_group", "workspace", "location")
        ),
        (
            "azureml",
            {
                "orchestrator": {
                    "subscription_id": UUID,
                    "resource_group": "ml-platform",
                    "workspace": "team-ml",
                    "location": "westeurope",
                }
            },
            [],
        ),
        ("local", {"container_registry": {"x": 1}}, ["container_registry"]),
        ("local", {"container_registry": {}}, []),
        ("kubernetes", {"container_registry": {"x": 1}}, []),
    ],
)
def test_a_field_that_a_key_sets_is_set_by_it(
    base: str, extra: dict[str, Any], found: list[str]
) -> None:
    assert fields(given(base, extra=extra)) == [f"extra.{path}" for path in found]


def test_a_namespace_may_stand_in_both_places_alike() -> None:
    extra = {"orchestrator": {"kubernetes_namespace": "ml"}}
    assert fields(given("kubernetes", namespace="ml", extra=extra)) == []
    assert len(fields(given("kubernetes", namespace="mk", extra=extra))) == 1


def test_an_extra_that_is_wrong_is_not_looked_into() -> None:
    extra = {"orchestrator": {"a-b": 1, "location": "us-east1"}}
    assert fields(given("vertex", extra=extra)) == ["extra.orchestrator.a-b"]


def test_the_key_that_sets_a_field_is_named() -> None:
    (problem,) = problems(given("azureml", extra={"orchestrator": {"location": "x"}}))
    assert (problem.what, problem.remedy) == (
        "orchestrator.location is set by region",
        "Give it as region, and leave it out of extra.",
    )
    # and where the key itself is wrong, that is told
    extra = {"orchestrator": {"location": "us-east1"}}
    assert fields(given("vertex", region="nowhere", extra=extra)) == ["region"]


@pytest.mark.parametrize(
    ("registry", "repository", "fine"),
    [
        (ECR, "agents", True),
        (f"{ECR}/agents", "agents", True),
        (f"{ECR}/agents", None, True),
        (f"{ECR}/agents", "others", False),
    ],
)
def test_a_registry_has_one_default_repository(
    registry: str, repository: str | None, fine: bool
) -> None:
    extra = {"container_registry": {"default_repository": repository}}
    mapping = given("sagemaker", container_registry=registry, extra=extra)
    if fine:
        assert fields(mapping) == []
    else:
        (problem,) = problems(mapping)
        assert problem.field == "extra.container_registry.default_repository"
        assert problem.remedy == f"Leave one of them out: the URI without it is `{ECR}`."


def test_another_cloud_s_repository_is_no_default_one() -> None:
    extra = {"container_registry": {"default_repository": "others"}}
    assert fields(given("gke", container_registry=GKE["container_registry"], extra=extra)) == []
    assert fields(given("aks", container_registry="demo1.azurecr.io/a", extra=extra)) == []


@pytest.mark.parametrize(
    ("is_async", "extra", "orchestrator"),
    [
        (True, None, {"synchronous": False}),
        (True, {"orchestrator": {"x": 1}}, {"x": 1, "synchronous": False}),
        (True, {"orchestrator": {"synchronous": True}}, {"synchronous": True}),
        (True, {"artifact_store": {"x": 1}}, {"synchronous": False}),
        (False, None, {}),
        (None, {"orchestrator": {"x": 1}}, {"x": 1}),
    ],
)
def test_async_joins_the_orchestrator_s_fields(
    is_async: bool | None, extra: Any, orchestrator: dict[str, Any]
) -> None:
    spec = from_mapping(given("vertex", async_=is_async, extra=extra))
    assert spec.extra.orchestrator == orchestrator
    assert spec.extra.artifact_store == (extra or {}).get("artifact_store", {})


# --- extra


@pytest.mark.parametrize(
    ("raw", "found", "wrong"),
    [
        ({}, {}, []),
        ({"orchestrator": None}, {}, []),
        (
            {"orchestrator": {"a": {"b-c": 1}, "_x": [1]}},
            {"orchestrator": {"a": {"b-c": 1}, "_x": [1]}},
            [],
        ),
        ({"orchestrator": {"Ab9_Z": (1, 2)}}, {"orchestrator": {"Ab9_Z": [1, 2]}}, []),
        ({"orchestrator": {"Z": {"a": ((1,),)}}}, {"orchestrator": {"Z": {"a": [[1]]}}}, []),
        (
            Extra(orchestrator={"a": 1}),
            {"orchestrator": {"a": 1}, "artifact_store": {}, "container_registry": {}},
            [],
        ),
        ({"orchestrator": []}, {}, ["extra.orchestrator"]),
        ({"runner": {}}, {}, ["extra.runner"]),
        ({7: {}}, {}, ["extra.7"]),
        ({"orchestrator": {"a-b": 1}}, {"orchestrator": {"a-b": 1}}, ["extra.orchestrator.a-b"]),
        ({"orchestrator": {"1a": 1}}, {"orchestrator": {"1a": 1}}, ["extra.orchestrator.1a"]),
        ({"orchestrator": {7: 1}}, {"orchestrator": {7: 1}}, ["extra.orchestrator.7"]),
        ([], {}, ["extra"]),
        ("x", {}, ["extra"]),
    ],
)
def test_extra_by_its_targets(raw: Any, found: dict[str, Any], wrong: list[str]) -> None:
    made, told = checked_extra(raw)
    assert made == found
    assert [problem.field for problem in told] == wrong


def test_extra_is_copied() -> None:
    raw: dict[str, Any] = {"orchestrator": {"a": {"b": [{"c": 1}]}}}
    made, _ = checked_extra(raw)
    made["orchestrator"]["a"]["b"][0]["c"] = 2
    assert raw == {"orchestrator": {"a": {"b": [{"c": 1}]}}}


@pytest.mark.parametrize(
    ("target", "remedy"),
    [
        ("Runner", "Did you mean `orchestrator`?"),
        ("compute", "Did you mean `orchestrator`?"),
        ("storage", "Did you mean `artifact_store`?"),
        ("store", "Did you mean `artifact_store`?"),
        ("bucket", "Did you mean `artifact_store`?"),
        ("registry", "Did you mean `container_registry`?"),
        ("image_registry", "Did you mean `container_registry`?"),
        ("container-registry", "Did you mean `container_registry`?"),
        ("zzz", None),
    ],
)
def test_the_target_that_was_meant(target: str, remedy: str | None) -> None:
    with pytest.raises(DescriptionError) as caught:
        parse_extra(f"{target}.x=1")
    (problem,) = caught.value.problems
    assert problem.what == f"`{target}` is not a target of extra"
    assert problem.why == "they are orchestrator, artifact_store, container_registry"
    assert (problem.remedy, problem.source, problem.field) == (remedy, "--extra", "extra")


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        (" orchestrator.a =1", ("orchestrator", "a"), 1),
        ("orchestrator.a.b-c.9=x", ("orchestrator", "a", "b-c", "9"), "x"),
        ("orchestrator.a==", ("orchestrator", "a"), "="),
        ("orchestrator.a=b=c", ("orchestrator", "a"), "b=c"),
        ("orchestrator.a=''", ("orchestrator", "a"), ""),
        ("orchestrator.a= x ", ("orchestrator", "a"), "x"),
    ],
)
def test_an_extra_is_a_path_and_a_value(text: str, path: tuple[str, ...], value: Any) -> None:
    assert parse_extra(text) == (path, value)


FORM = "Write `--extra TARGET.FIELD=VALUE`, as `--extra orchestrator.synchronous=false`."


@pytest.mark.parametrize(
    ("text", "field", "what", "why", "remedy"),
    [
        ("orchestrator.a", "extra", "`orchestrator.a` lacks `=VALUE`", None, FORM),
        # what is no path any more is not repeated
        (f"orchestrator.a:{SECRET}", "extra", "`orchestrator.a` lacks `=VALUE`", None, FORM),
        (f"Or_a-9.X {SECRET}", "extra", "`Or_a-9.X` lacks `=VALUE`", None, FORM),
        (
            "orchestrator.a/b=1",
            "extra",
            "`orchestrator.a/b` is not a path to a field",
            "names stand between single dots",
            None,
        ),
        ("", "extra", "`` lacks `=VALUE`", None, FORM),
        ("orchestrator=1", "extra", "`orchestrator` names no field", None, FORM),
        *(
            (
                f"{path}=1",
                "extra",
                f"`{path}` is not a path to a field",
                "names stand between single dots",
                None,
            )
            for path in (
                *("orchestrator.", "orchestrator..a", "orchestrator.a.", "orchestrator.a..b"),
                *("orchestrator.1a", "orchestrator.a-b"),
            )
        ),
        *(
            (
                f"orchestrator.a={blank}",
                "extra.orchestrator.a",
                "`orchestrator.a` has no value",
                "an unset variable of the shell leaves nothing",
                "Write `orchestrator.a=''` for an empty text, `orchestrator.a=null` for none.",
            )
            for blank in ("", "  ")
        ),
        (
            "orchestrator.a=[b",
            "extra.orchestrator.a",
            "the value of `orchestrator.a` cannot be read as YAML",
            "it is not YAML",
            "Put text with special characters into quotes, inside those of the shell.",
        ),
    ],
)
def test_what_is_no_extra(
    text: str, field: str, what: str, why: str | None, remedy: str | None
) -> None:
    with pytest.raises(DescriptionError) as caught:
        parse_extra(text)
    (problem,) = caught.value.problems
    assert (problem.field, problem.what, problem.remedy) == (field, what, remedy)
    assert (problem.why or "").startswith(why or "")
    assert (problem.why is None) is (why is None)
    assert problem.source == "--extra"
    assert SECRET not in everything_told(caught.value)


@pytest.mark.parametrize(
    ("before", "extra", "after"),
    [
        ({"a": 1}, "a=2", {"a": 2}),
        ({"a": 1}, "b=2", {"a": 1, "b": 2}),
        ({"a": {"b": 1}}, "a.c=2", {"a": {"b": 1, "c": 2}}),
        ({"a": {"b": 1}}, "a={c: 2}", {"a": {"b": 1, "c": 2}}),
        ({"a": [1]}, "a=[2]", {"a": [2]}),
        # null takes away, and gives way
        ({"a": {"b": 1}}, "a=null", {"a": None}),
        ({"a": 1}, "a=null", {"a": None}),
        ({"a": None}, "a.b=1", {"a": {"b": 1}}),
        ({"a": None}, "a=1", {"a": 1}),
        # a mapping and a plain value do not go together
        ({"a": {"b": 1}}, "a=1", None),
        ({"a": {"b": 1}}, "a=[1]", None),
        ({"a": 1}, "a.b=1", None),
        ({"a": [1]}, "a.b=1", None),
        ({"a": False}, "a.b=1", None),
    ],
)
def test_an_extra_is_laid_over_what_is_there(
    before: dict[str, Any], extra: str, after: dict[str, Any] | None
) -> None:
    merged, paths, told = merge_extras([f"orchestrator.{extra}"], {"orchestrator": before})
    if after is None:
        assert [problem.field for problem in told] == ["extra.orchestrator.a"]
        assert told[0].what == (
            "`orchestrator.a` is a mapping in one place and a plain value in another"
        )
        assert (told[0].remedy, paths) == ("Leave one of them out.", [])
    else:
        assert (merged, told) == ({"orchestrator": after}, [])
        assert paths == [f"orchestrator.{extra.partition('=')[0]}"]


@pytest.mark.parametrize("base", [None, [], "x", 7])
def test_a_base_that_is_no_mapping_is_left_alone(base: Any) -> None:
    assert merge_extras(["orchestrator.a=1"], base)[0] == {"orchestrator": {"a": 1}}
    assert merge_extras([], base) == ({}, [], [])


# --- drafts and places


def test_the_place_of_a_value_is_its_own_or_the_nearest_around_it() -> None:
    origins = Origins({"a": "f:1", "a.b": "f:2", "c.d": "f:3"})
    assert [origins.of(path) for path in ("a", "a.b", "a.b.x.y", "a.x", "c.d", "c", "x")] == [
        *("f:1", "f:2", "f:2", "f:1", "f:3", None, None),
    ]
    origins.note("c", "f:9")
    assert (origins.of("c.x"), origins.of("c.d")) == ("f:9", "f:3")


@pytest.mark.parametrize(
    ("file", "flags", "place"),
    [
        (None, False, None),
        (None, True, "--region"),
        ("f", False, "f"),
        ("f", True, "f"),
    ],
)
def test_a_value_that_is_missing_is_missing_in_the_file_or_of_the_flags(
    file: str | None, flags: bool, place: str | None
) -> None:
    origins = Origins(file=file, flags=flags)
    assert origins.of_missing("region") == place
    assert origins.of_missing("region.x") == place


def test_a_draft_knows_what_is_given_and_what_is_wrong() -> None:
    draft = Draft({"a": None, "b": False, "c": ""}, Origins({"b": "f:2"}, file="f"))
    assert [draft.has(key) for key in ("a", "b", "c", "d")] == [False, True, True, False]
    draft.add("b.x.y", "what", "why", "remedy")
    draft.add("c", "what")
    assert [draft.is_wrong(key) for key in ("a", "b", "b.x", "c")] == [False, True, False, True]
    assert draft.problems == [
        Problem("b.x.y", "what", "why", "remedy", "f:2"),
        Problem("c", "what", None, None, "f"),
    ]
    draft.missing("d", "why", None)
    assert draft.is_wrong("d")


@pytest.mark.parametrize(
    ("key", "example_", "flags", "remedy"),
    [
        ("name", "dev", True, "Give a name, as `dev`."),
        ("name", "dev", False, "Give `name: dev`."),
        ("region", "x", True, "Give `--region x`."),
        ("region", "x", False, "Give `region: x`."),
        ("region", None, True, "Give `--region`."),
        ("region", None, False, None),
    ],
)
def test_how_a_missing_key_is_given(
    key: str, example_: str | None, flags: bool, remedy: str | None
) -> None:
    draft = Draft({}, Origins(flags=flags))
    draft.missing(key, "why", example_)
    (problem,) = draft.problems
    assert (problem.what, problem.why, problem.remedy) == (f"{key} is missing", "why", remedy)


@pytest.mark.parametrize(
    ("key", "value", "flag"),
    [
        ("name", None, "NAME"),
        ("artifact_store", None, "--artifact-store"),
        ("verify", None, "--verify"),
        ("verify", True, "--verify"),
        ("verify", False, "--no-verify"),
        ("async", False, "--async"),
        ("resources", None, "--resources"),
        ("not_there", None, "--not-there"),
    ],
)
def test_the_flag_of_a_key(key: str, value: Any, flag: str) -> None:
    assert flag_of(key, value) == flag


@pytest.mark.parametrize(
    ("key", "cloud", "text"),
    [
        ("region", None, "eu-west-1"),
        ("region", Cloud.GCP, "us-central1"),
        ("artifact_store", Cloud.AZURE, "az://my-container/kitaru"),
        ("cluster", Cloud.GCP, "prod-cluster"),
        ("type", None, None),
    ],
)
def test_an_example_is_of_the_cloud(key: str, cloud: Cloud | None, text: str | None) -> None:
    assert example(key, cloud) == text


@pytest.mark.parametrize("type_", ["local", "kubernetes"])
@pytest.mark.parametrize("mode", ["create", "existing"])
def test_a_group_is_made_on_azure_and_nowhere_else(type_: str, mode: str) -> None:
    given: dict[str, Any] = {"name": "dev", "type": type_, "infra": "provision"}
    given["resources"] = {"group": mode}
    place = {"subscription_id": "00000000-1111-2222-3333-444444444444", "resource_group": "ml"}
    cluster = {"cluster": "pods"} if type_ == "kubernetes" else {}
    if cluster and mode == "create":  # it lies in the group
        given["resources"]["cluster"] = "create"
        given["infrastructure"] = {"endpoint_access": []}
    on_azure = {**place, **cluster, "artifact_store": "az://data", "region": "westeurope"}
    assert from_mapping({**given, **on_azure}).resources["group"].value == mode
    with pytest.raises(DescriptionError) as refused:
        from_mapping({**given, **cluster, "artifact_store": "s3://data", "region": "eu-west-1"})
    (problem,) = refused.value.problems
    assert problem.field == "resources.group"
    assert problem.what == f"type {type_} has no resource `group` on AWS"
    assert "group" not in str(problem.why)


@pytest.mark.parametrize("said", [{}, {"cluster": "existing"}])
def test_a_group_is_not_made_around_what_is_there(said: dict[str, str]) -> None:
    with pytest.raises(DescriptionError) as refused:
        from_mapping(
            {
                "name": "dev",
                "type": "kubernetes",
                "infra": "provision",
                "cluster": "pods",
                "artifact_store": "az://data",
                "region": "westeurope",
                "resource_group": "ml",
                "subscription_id": "00000000-1111-2222-3333-444444444444",
                "resources": {"group": "create", **said},
            }
        )
    (problem,) = refused.value.problems
    assert problem.field == "resources.group"
    assert problem.what == "it cannot be created: the cluster `pods` lies in it"


def test_every_resource_is_named_by_a_key_of_its_type() -> None:
    for type_, named in RESOURCES.items():
        for key in named.values():
            assert key is None or type_ in FIELDS[key].types


# --- putting together


def put_together(
    given: dict[str, Any], file: str = "", extra: Any = (), defaults: Any = None, **more: Any
) -> Merged:
    stdin = io.StringIO(file) if file else None
    return merge(given, "-" if file else None, extra, defaults, stdin=stdin, **more)


def test_each_value_is_from_the_first_place_that_has_it() -> None:
    merged = put_together(
        {"name": "flag", "region": None, "verify": False},
        "name: file\nregion: file\nextra:\n  orchestrator:\n    a: 1\n    b: {c: 1}\n",
        ["orchestrator.b.c=2"],
        {"name": "default", "region": "default", "type": "vertex", "project": "default"},
    )
    assert merged.data == {
        "name": "flag",
        "region": "file",
        "verify": False,
        "extra": {"orchestrator": {"a": 1, "b": {"c": 2}}},
        "type": "vertex",
        "project": "default",
    }
    places = {
        "name": "NAME",
        "region": "stdin:2",
        "verify": "--no-verify",
        "extra.orchestrator.a": "stdin:5",
        "extra.orchestrator.b.c": "--extra",
        "extra.orchestrator.b": "stdin:6",
        "type": "[tool.kitaru] type",
        "project": "[tool.kitaru] project",
    }
    assert {path: merged.origins.of(path) for path in places} == places
    assert (merged.origins.file, merged.origins.flags) == ("stdin", True)


def test_a_mapping_is_laid_over_a_mapping_and_a_value_over_anything() -> None:
    file = "resources:\n  bucket: skip\n  role: skip\nextra:\n  orchestrator:\n    a: {b: 1}\n"
    merged = put_together(
        {
            "resources": {"role": "create", "registry": "create"},
            "extra": {"orchestrator": {"a": 2}},
        },
        file,
        said=lambda key, value: f"program {key}",
    )
    assert merged.data["resources"] == {"bucket": "skip", "role": "create", "registry": "create"}
    assert merged.data["extra"] == {"orchestrator": {"a": 2}}
    of = merged.origins.of
    assert [of("resources.bucket"), of("resources.role")] == ["stdin:2", "program resources"]
    # nothing is left of what stood below the value
    assert of("extra.orchestrator.a.b") == "program extra"
    assert merged.origins.flags is False
    replaced = put_together({"resources": "x"}, file)
    assert replaced.data["resources"] == "x"
    assert replaced.origins.of("resources.bucket") == "--resources"


def test_the_places_of_names_that_begin_alike_are_kept() -> None:
    file = "extra:\n  orchestrator:\n    a: 1\n    ab: 2\n"
    merged = put_together({}, file, ["orchestrator.a=3"])
    assert merged.origins.of("extra.orchestrator.ab") == "stdin:4"
    assert merged.origins.of("extra.orchestrator.a") == "--extra"


def test_an_extra_takes_the_places_below_it_away() -> None:
    file = "extra:\n  orchestrator:\n    b: {c: 1}\n"
    merged = put_together({}, file, ["orchestrator.b=null"])
    assert merged.origins.of("extra.orchestrator.b.c") == "--extra"


def test_an_unknown_type_reads_the_same_standard_input() -> None:
    flags = {"name": "dev", "type": "zzz", "credentials": "-"}
    with pytest.raises(DescriptionError) as caught:
        load(flags, stdin=io.StringIO("aws-profile:x"))
    assert [problem.field for problem in caught.value.problems] == ["type"]


def test_extras_over_what_is_no_mapping_are_left_to_the_check() -> None:
    merged = put_together({}, "name: dev\nextra: 7\n", ["orchestrator.a=1"])
    assert merged.data["extra"] == 7
    with pytest.raises(DescriptionError) as caught:
        merged.checked()
    (problem,) = caught.value.problems
    assert (problem.field, problem.source) == ("extra", "stdin:2")


@pytest.mark.parametrize(
    ("data", "key", "value", "taken"),
    [
        # a default of a key that the type has
        ({"type": "sagemaker"}, "region", "eu-west-1", True),
        ({"type": "sagemaker"}, "cluster", "c", False),
        ({"type": "sagemaker"}, "zzz", "c", False),
        ({"type": "sagemaker", "region": "x"}, "region", "eu-west-1", False),
        # on this machine, nothing of a cloud
        *(
            ({}, key, "x", False)
            for key in (
                *("region", "project", "subscription_id", "resource_group"),
                *("credentials", "connector", "infra"),
            )
        ),
        ({"artifact_store": "/data"}, "region", "eu-west-1", False),
        ({"artifact_store": "s3://my-bucket"}, "region", "eu-west-1", True),
        ({}, "verify", False, True),
        ({}, "name", "dev", True),
        # credentials beside a connector
        ({"type": "sagemaker"}, "credentials", "implicit", True),
        ({"type": "sagemaker", "connector": "c"}, "credentials", "implicit", False),
        ({"type": "sagemaker", "connector": "c"}, "region", "eu-west-1", True),
    ],
)
def test_a_default_is_taken_where_it_fits(
    data: dict[str, Any], key: str, value: Any, taken: bool
) -> None:
    merged = put_together(data, defaults={key: value})
    assert (merged.data.get(key) == value) is taken
    assert (merged.origins.of(key) == f"[tool.kitaru] {key}") is taken


def test_a_file_that_cannot_be_read_hides_no_wrong_extra() -> None:
    with pytest.raises(DescriptionError) as caught:
        put_together({}, "- a\n", ["zzz.a=1", "orchestrator.a=1"])
    assert [problem.field for problem in caught.value.problems] == ["file", "extra"]


def test_what_could_not_be_read_is_told_once() -> None:
    text = "".join(f"{k}: {v}\n" for k, v in given("kubernetes", region=None).items())
    with pytest.raises(DescriptionError) as caught:
        load({}, "-", stdin=io.StringIO(f"{text}region: !x y\n"))
    assert [problem.field for problem in caught.value.problems] == ["region"]
    # and alone it is enough
    with pytest.raises(DescriptionError) as caught:
        load({}, "-", stdin=io.StringIO("name: dev\nverify: !x y\n"))
    assert [problem.field for problem in caught.value.problems] == ["verify"]


@pytest.mark.parametrize("data", [[], None, "x", [("name", "dev")]])
def test_a_description_is_a_mapping(data: Any) -> None:
    (problem,) = problems(data)
    assert (problem.field, problem.what) == ("description", "the description has to be a mapping")


# --- and back


@pytest.mark.parametrize(
    ("changes", "written"),
    [
        ({}, {}),
        ({"verify": True, "activate": True, "infra": "none"}, {}),
        ({"verify": False}, {"verify": False}),
        ({"activate": False}, {"activate": False}),
        ({"infra": "verify"}, {"infra": "verify"}),
        ({"namespace": "default"}, {}),
        ({"namespace": "ml"}, {"namespace": "ml"}),
        ({"async_": True}, {"async": True}),
        ({"async_": False}, {}),
        (
            {"async_": True, "extra": {"orchestrator": {"synchronous": True}}},
            {"async": True, "extra": {"orchestrator": {"synchronous": True}}},
        ),
        (
            {"extra": {"orchestrator": {"synchronous": False}}},
            {"extra": {"orchestrator": {"synchronous": False}}},
        ),
        (
            {"async_": True, "extra": {"artifact_store": {"a": 1}}},
            {"async": True, "extra": {"artifact_store": {"a": 1}}},
        ),
        ({"extra": {"orchestrator": {}}}, {}),
        (
            {"infra": "verify", "resources": {"bucket": "skip"}},
            {"infra": "verify", "resources": {"bucket": "skip"}},
        ),
        ({"credentials": "implicit"}, {"credentials": "implicit"}),
        ({"connector": "c"}, {"connector": "c"}),
    ],
)
def test_only_what_is_not_the_default_is_written(
    changes: dict[str, Any], written: dict[str, Any]
) -> None:
    spec = from_mapping(given("kubernetes", **changes))
    assert to_mapping(spec) == {**given("kubernetes"), **written}
    assert from_mapping(to_mapping(spec)) == spec


ACCOUNT = "runner@my-project.iam.gserviceaccount.com"
KEYED = Credentials(
    Cloud.GCP,
    "gcp-impersonate",
    {"target_principal": ACCOUNT, "source": "key"},
    {"service_account_json": SecretText(SECRET)},
)


@pytest.mark.parametrize(
    ("base", "credentials", "shown", "whole"),
    [
        (
            "kubernetes",
            Credentials(Cloud.AWS, "aws-profile", {"profile_name": "x"}),
            "aws-profile:x",
            "aws-profile:x",
        ),
        (
            "kubernetes",
            Credentials(Cloud.AWS, "aws-role", {"role_arn": ROLE}),
            f"aws-role:{ROLE}",
            f"aws-role:{ROLE}",
        ),
        (
            "kubernetes",
            Credentials(
                Cloud.AWS, "aws-access-keys", {}, {"a": SecretText("K"), "b": SecretText(SECRET)}
            ),
            None,
            f"aws-access-keys:K:{SECRET}",
        ),
        (
            "aks",
            Credentials(
                Cloud.AZURE,
                "azure-service-principal",
                {"client_id": "c", "tenant_id": "t"},
                {"client_secret": SecretText(SECRET)},
            ),
            None,
            f"azure-service-principal:t:c:{SECRET}",
        ),
        *(
            (
                "gke",
                Credentials(Cloud.GCP, kind, {"client_email": "e"}, {"x": SecretText(SECRET)}),
                None,
                SECRET,
            )
            for kind in ("gcp-service-account", "gcp-workload-identity")
        ),
        # a key's file is not known any more
        ("gke", KEYED, None, None),
        (
            "gke",
            Credentials(
                Cloud.GCP,
                "gcp-impersonate",
                {"target_principal": ACCOUNT, "source": "application-default"},
            ),
            f"gcp-impersonate:{ACCOUNT}",
            f"gcp-impersonate:{ACCOUNT}",
        ),
    ],
)
def test_credentials_are_written_without_secrets_unless_asked_for(
    base: str, credentials: Credentials, shown: str | None, whole: str | None
) -> None:
    spec = from_mapping(given(base, credentials=credentials))
    assert to_mapping(spec).get("credentials") == shown
    assert to_mapping(spec, include_secrets=True).get("credentials") == whole
    assert ("credentials" in to_mapping(spec)) is (shown is not None)
    assert SECRET not in str(to_mapping(spec))


def test_a_mapping_is_in_the_order_of_the_keys() -> None:
    everything = given(
        "gke",
        project="my-project",
        namespace="ml",
        credentials="implicit",
        verify=False,
        activate=False,
        async_=True,
        extra={"orchestrator": {"a": 1}},
        infra="verify",
        resources={"bucket": "skip"},
    )
    found = to_mapping(from_mapping(everything))
    assert found == everything
    assert list(found) == [key for key in FIELDS if key in everything]
    assert {type(value) for value in found.values()} == {str, bool, dict}


def test_checked_values_are_those_that_were_given_or_follow() -> None:
    assert check({"name": "dev"}) == {"name": "dev", "type": StackType.LOCAL}
    values = check({**given("vertex"), "async": True})
    assert set(values) == {*given("vertex"), "async", "extra"}


def test_the_bases_of_this_file_are_right() -> None:
    for base in BASES:
        assert fields(given(base)) == []
    assert {KUBERNETES["type"], AKS["type"], VERTEX["type"], AZUREML["type"]} == {
        *("kubernetes", "vertex", "azureml"),
    }
