"""The options of `infrastructure`: from a file, flags and programs; right and wrong."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from kitaru_iac.clouds.provider import marks
from kitaru_iac.errors import DescriptionError
from kitaru_iac.spec import from_mapping, json_schema, load, to_mapping
from kitaru_iac.spec.infrastructure import OPTIONS, Infrastructure, Shape
from kitaru_iac.spec.infrastructure_values import OUR_TAGS
from kitaru_iac.spec.kinds import Cloud

KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ON_EKS: dict[str, Any] = {
    "name": "prod",
    "type": "kubernetes",
    "region": "eu-west-1",
    "infra": "provision",
    "resources": {"cluster": "create"},
}
OPEN = {"endpoint_access": ["203.0.113.7/32"]}


def refusals(**given: Any) -> dict[str, str]:
    with pytest.raises(DescriptionError) as error:
        from_mapping({**ON_EKS, **given})
    return {problem.field: problem.what for problem in error.value.problems}


def wrong(**options: Any) -> dict[str, str]:
    return refusals(infrastructure={**OPEN, **options})


def every_option() -> dict[str, Any]:
    """All of AWS with their examples, but for the network, which excludes subnets."""
    given = {
        name: yaml.safe_load(option.example)
        for name, option in OPTIONS.items()
        if Cloud.AWS in option.clouds
    }
    assert given.pop("network") == "create"
    return given


def test_an_option_is_an_attribute_and_its_example_is_right() -> None:
    assert [field.name for field in fields(Infrastructure)] == list(OPTIONS)
    given = every_option()
    found = from_mapping({**ON_EKS, "infrastructure": given}).infrastructure
    assert found.given() == given
    assert all(getattr(found, name) is not None for name in given)
    elsewhere = {name for name, option in OPTIONS.items() if Cloud.AWS not in option.clouds}
    for name in elsewhere:
        assert name in wrong(**{name: yaml.safe_load(OPTIONS[name].example)}).popitem()[0]


def test_a_file_and_flags_say_the_same(tmp_path: Path) -> None:
    given = every_option()
    file = tmp_path / "stack.yaml"
    file.write_text(yaml.safe_dump({**ON_EKS, "infrastructure": given}))
    words = []
    for name, value in given.items():
        if OPTIONS[name].shape is Shape.MAPPING:
            words += [f"{name}.{key}={text}" for key, text in value.items()]
        else:
            text = ",".join(value) if isinstance(value, list) else str(value)
            words.append(f"{name}={text.lower() if isinstance(value, bool) else text}")
    by_file = load({}, file)
    by_flags = load({**ON_EKS, "infrastructure": words})
    assert by_file == by_flags
    assert to_mapping(by_file) == {**ON_EKS, "infrastructure": given}
    assert from_mapping(to_mapping(by_file)) == by_file


def test_flags_go_over_the_file_option_by_option(tmp_path: Path) -> None:
    file = tmp_path / "stack.yaml"
    tags = {"team": "ml", "cost": "1"}
    file.write_text(yaml.safe_dump({**ON_EKS, "infrastructure": {**OPEN, "tags": tags}}))
    found = load({"infrastructure": ["tags.team=data", "nodes=4"]}, file).infrastructure
    assert found.tags == {"team": "data", "cost": "1"}
    assert (found.nodes, found.endpoint_access) == (4, ("203.0.113.7/32",))


def test_what_a_flag_says_wrong_is_told_with_the_rest() -> None:
    words = ["nodez=3", "nodes", "tags=x", "subnets.a=b", "min_nodes=few"]
    with pytest.raises(DescriptionError) as error:
        load({**ON_EKS, "connector": "", "infrastructure": words})
    said = [(problem.field, problem.source) for problem in error.value.problems]
    assert said[:4] == [
        ("infrastructure", "--infrastructure"),
        ("infrastructure.nodes", "--infrastructure"),
        ("infrastructure.tags", "--infrastructure"),
        ("infrastructure.subnets", "--infrastructure"),
    ]
    assert ("infrastructure.min_nodes", "--infrastructure") in said
    assert "connector" in {field for field, _ in said}
    assert "Did you mean `nodes`?" in str(error.value)


@pytest.mark.parametrize(
    ("option", "value", "part"),
    [
        ("permissions_boundary", "boundary", "is not the ARN of a policy"),
        ("permissions_boundary", ["x"], "has to be text"),
        ("kms_key", "alias/mine", "is an alias"),
        ("kms_key", "arn:aws:kms:eu-west-1:123456789012:alias/mine", "is an alias"),
        ("kms_key", "1234abcd", "is not the ARN of a KMS key"),
        ("kms_key", KEY.replace("eu-west-1", "us-east-1"), "the key is in us-east-1"),
        ("kms_key", KEY.replace("arn:aws:", "arn:aws-cn:"), "partition `aws-cn`"),
        ("keep_images", 0, "at least 1"),
        ("keep_versions", 0, "at least 1"),
        ("keep_images", True, "has to be a whole number"),
        ("keep_images", 2.5, "has to be a whole number"),
        ("keep_images", "many", "has to be a whole number"),
        ("subnets", ["subnet-0123456789abcdef0"], "two different subnets"),
        ("subnets", [], "two different subnets"),
        ("subnets", ["projects/my-project/regions/europe-west1/subnetworks/x"] * 2, "named twice"),
        (
            "subnets",
            ["projects/my-project/regions/europe-west1/subnetworks/x"],
            "is not a subnet of AWS",
        ),
        ("subnets", "subnet-0123456789abcdef0", "has to be a list"),
        ("endpoint_access", [f"203.0.113.{n}/32" for n in range(41)], "at most 40"),
        ("kubernetes_version", 1.3, "has to be text"),
        ("kubernetes_version", "latest", "is not a Kubernetes version"),
        ("instance_type", "large", "is not an instance type"),
        ("nodes", -1, "at least 1"),
        ("nodes", 0, "at least 1"),
        ("min_nodes", -1, "at least 0"),
        ("max_nodes", 0, "at least 1"),
        ("network", "existing", "is no choice of a network"),
        ("cluster_access", ["arn:aws-cn:iam::123456789012:role/x"], "partition `aws-cn`"),
        ("log_retention", 42, "is not a number of days"),
        ("deletion_protection", "yes", "has to be true or false"),
        ("keep_data", "no", "has to be true or false"),
        ("node_disk", 8, "at least 20"),
        ("tags", ["team"], "has to be a mapping"),
        ("tags", {"team": 1}, "have to be text"),
        ("tags", {"aws:x": "y"}, "which is AWS's"),
        ("tags", {"a" * 129: "y"}, "too long"),
        ("tags", {"team": "#1"}, "other signs"),
        ("tags", {f"t{n}": "" for n in range(47)}, "too many"),
    ],
)
def test_a_wrong_value_is_refused(option: str, value: object, part: str) -> None:
    found = wrong(**{option: value})
    assert [name.startswith(f"infrastructure.{option}") for name in found] == [True]
    assert part in next(iter(found.values()))


A, B = "subnet-0123456789abcdef0", "subnet-0123456789abcdef1"
ME = "arn:aws:iam::123456789012:role/me"


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("subnets", ["net-1", A, "net-2"], {0: "is not the id", 2: "is not the id"}),
        ("subnets", [A, A], {1: "is named twice"}),
        ("subnets", [A, "x", A], {1: "is not the id", 2: "is named twice"}),
        (
            "endpoint_access",
            ["203.0.113.7/33", "203.0.113.7/24", "8.8.8.8/32", "office", "::/0", ""],
            dict.fromkeys((0, 1, 3, 4, 5), "is not an IPv4 network"),
        ),
        (
            "endpoint_access",
            ["10.0.0.0/8", "192.168.1.0/24", "127.0.0.1/32", "100.64.0.0/10", "203.0.113.0/24"],
            dict.fromkeys(range(4), "is a private network"),
        ),
        (
            "endpoint_access",
            ["0.0.0.0/1", "128.0.0.0/1", "64.0.0.0/7", "224.0.0.0/4"],
            dict.fromkeys(range(4), "is a large part of the internet"),
        ),
        ("endpoint_access", ["224.0.0.0/8", "224.0.0.1/32"], {0: "multicast", 1: "multicast"}),
        (
            "cluster_access",
            ["me", ME, "arn:aws:sts::123456789012:assumed-role/x/y", ME],
            {0: "is not the ARN of", 2: "is not the ARN of", 3: "is named twice"},
        ),
        ("tags", {"aws:x": "1", **dict.fromkeys(OUR_TAGS, "x"), "Managed-By": "", "a": "!"}, None),
    ],
)
def test_each_element_that_is_wrong_is_told(
    option: str, value: object, told: dict[int, str] | None
) -> None:
    with pytest.raises(DescriptionError) as error:
        from_mapping({**ON_EKS, "infrastructure": {**OPEN, option: value}})
    found = [(problem.field, problem.what) for problem in error.value.problems]
    if told is None:  # of tags
        below = ["", *(f".{name}" for name in (*OUR_TAGS, "Managed-By", "a"))]
        assert [field for field, _ in found] == [f"infrastructure.tags{name}" for name in below]
        return
    assert [field for field, _ in found] == [f"infrastructure.{option}[{n}]" for n in told]
    assert all(part in what for (_, what), part in zip(found, told.values(), strict=True))


@pytest.mark.parametrize("given", [["0.0.0.0/0"], ["8.0.0.0/8"], ["192.0.2.1/32"], []])
def test_everybody_is_let_in_where_that_is_said(given: list[str]) -> None:
    found = from_mapping({**ON_EKS, "infrastructure": {"endpoint_access": given}})
    assert found.infrastructure.endpoint_access == tuple(given)


def test_each_element_that_is_wrong_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "stack.yaml"
    file.write_text(
        yaml.safe_dump(ON_EKS)
        + "infrastructure:\n  endpoint_access:\n    - office\n    - 8.8.8.8/32\n    - home\n"
        "  subnets: [net-1,\n    net-2]\n  tags:\n    team: ml\n    managed-by: me\n"
    )
    first = file.read_text().splitlines().index("    - office") + 1

    def places(*words: str) -> list[tuple[str, str]]:
        with pytest.raises(DescriptionError) as error:
            load({"infrastructure": list(words)}, file)
        found = [(p.field.removeprefix("infrastructure."), p.source) for p in error.value.problems]
        return [(field, str(source).rpartition("/")[2]) for field, source in found]

    subnets = [("subnets[0]", f"stack.yaml:{first + 3}"), ("subnets[1]", f"stack.yaml:{first + 4}")]
    tags = ("tags.managed-by", f"stack.yaml:{first + 7}")
    assert places() == [
        ("endpoint_access[0]", f"stack.yaml:{first}"),
        ("endpoint_access[2]", f"stack.yaml:{first + 2}"),
        *subnets,
        tags,
    ]
    # What a flag says instead does not stand in the file's lines.
    assert places("endpoint_access=8.8.8.8/32,bar")[0] == ("endpoint_access[1]", "--infrastructure")


def test_all_problems_come_at_once() -> None:
    found = wrong(keep_images=0, subnets=["x"], tags={"managed-by": "me"}, colour="red")
    assert set(found) == {
        *(f"infrastructure.{name}" for name in ("keep_images", "subnets[0]", "tags.managed-by")),
        "infrastructure",
    }


def test_the_tags_that_are_ours_are_those_that_we_set() -> None:
    assert set(OUR_TAGS) == set(marks("project", "deployment"))


@pytest.mark.parametrize(
    ("given", "counts"),
    [
        ({}, (1, 2, 3)),
        ({"nodes": 5}, (1, 5, 5)),
        ({"min_nodes": 4}, (4, 4, 4)),
        ({"max_nodes": 1}, (1, 1, 1)),
        ({"min_nodes": 0, "max_nodes": 9}, (0, 2, 9)),
    ],
)
def test_what_is_left_out_follows_the_counts_that_are_given(
    given: dict[str, int], counts: tuple[int, int, int]
) -> None:
    found = from_mapping({**ON_EKS, "infrastructure": {**OPEN, **given}})
    assert found.infrastructure.node_counts == counts


@pytest.mark.parametrize(
    "given",
    [{"min_nodes": 3, "max_nodes": 2}, {"nodes": 4, "max_nodes": 3}, {"min_nodes": 2, "nodes": 1}],
)
def test_counts_that_contradict_each_other_are_refused(given: dict[str, int]) -> None:
    assert "there cannot be" in wrong(**given)["infrastructure.nodes"]


def test_nobody_is_let_in_to_a_new_cluster_by_silence() -> None:
    found = refusals()
    assert found == {
        "infrastructure.endpoint_access": "it is not said who may reach the new cluster's endpoint"
    }
    for said in ([], ["0.0.0.0/0"], ["203.0.113.0/24"]):
        spec = from_mapping({**ON_EKS, "infrastructure": {"endpoint_access": said}})
        assert spec.infrastructure.endpoint_access == tuple(said)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"infra": "verify", "resources": {}, "cluster": "c"}, "infrastructure"),
        ({"resources": {"cluster": "existing"}, "cluster": "c"}, "infrastructure.nodes"),
        ({"type": "sagemaker", "resources": {}}, "infrastructure.nodes"),
        (
            {"type": "local", "resources": {}, "artifact_store": "s3://b"},
            "infrastructure.nodes",
        ),
        ({"type": "vertex", "resources": {}, "region": "us-central1"}, "infrastructure.nodes"),
        ({"artifact_store": "gs://b", "region": "us-central1"}, "infrastructure.nodes"),
    ],
)
def test_an_option_without_effect_is_refused(given: dict[str, Any], field: str) -> None:
    assert field in refusals(infrastructure={"nodes": 2}, **given)


def test_an_option_of_a_repository_that_is_not_made_is_refused() -> None:
    found = refusals(
        infrastructure={**OPEN, "keep_images": 9},
        resources={"cluster": "create", "registry": "existing"},
        container_registry="123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    )
    assert list(found) == ["infrastructure.keep_images"]


def test_the_schema_knows_each_option() -> None:
    about = json_schema()["properties"]["infrastructure"]
    assert list(about["properties"]) == list(OPTIONS)
    assert about["additionalProperties"] is False


def test_the_reference_has_each_option() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/stack-file.md").read_text()
    called = {Cloud.AWS: "AWS", Cloud.GCP: "Google Cloud", Cloud.AZURE: "Azure"}
    for name, option in OPTIONS.items():
        on = ", ".join(called[cloud] for cloud in Cloud if cloud in option.clouds)
        value = f"{option.shape}, as `{option.example}`"
        assert f"| `{name}` | {value} | {on} | {option.description} |" in page


def test_a_network_is_made_or_there() -> None:
    subnets = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    assert list(wrong(network="create", subnets=subnets)) == ["infrastructure.network"]


@pytest.mark.parametrize(
    "name", [name for name in OPTIONS if Cloud.GCP not in OPTIONS[name].clouds]
)
def test_an_option_of_another_cloud_is_refused(name: str) -> None:
    on_vertex = {
        "name": "prod",
        "type": "vertex",
        "region": "europe-west1",
        "project": "my-project",
        "infra": "provision",
        "infrastructure": {name: yaml.safe_load(OPTIONS[name].example)},
    }
    with pytest.raises(DescriptionError) as error:
        from_mapping(on_vertex)
    found = {problem.field: problem for problem in error.value.problems}
    assert found[f"infrastructure.{name}"].what == f"{name} has no effect on GCP"
    assert "AWS" in str(found[f"infrastructure.{name}"].why)


def test_tags_have_an_effect_everywhere() -> None:
    assert OPTIONS["tags"].clouds == frozenset(Cloud)
