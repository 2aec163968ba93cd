"""The components as a program in another language has them: through the plugin, in camelCase."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws_sdk
import pytest

from kitaru_iac.clouds.aws.provision.args import InfrastructureArgs
from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.pulumi.keys import COMMAND_KEYS, camel
from kitaru_iac.pulumi.plugin.components import schema
from kitaru_iac.records.stored import Store
from kitaru_iac.spec.fields import FIELDS
from tests.doubles.aws import ACCOUNT_ID, REGION
from tests.doubles.standin.fixtures import EngineRoom
from tests.pulumi.aws_site import BUCKET, REGISTRY, ROLE, Remote, keys, site, workshop
from tests.pulumi.room import Failed, Room

__all__ = ["site", "workshop"]

PROVISIONED = "kitaru:index:ProvisionedStack"
INFRASTRUCTURE = "kitaru:aws:Infrastructure"
OUTPUTS = ("name", "type", "artifactStore", "containerRegistry", "cluster", "region",
           "executionRole", "stackId")  # fmt: skip
SECRET = "a-secret-that-nobody-may-see"


def all_three() -> None:
    """A stack on AWS, one of this machine, and infrastructure alone; built at the same time."""
    provider = aws_sdk.Provider("mine", region="eu-central-1", allowed_account_ids=[ACCOUNT_ID])
    options = pulumi.ResourceOptions(providers=[provider])
    inputs = {"type": "sagemaker", "region": REGION, "credentials": pulumi.Output.secret(keys())}
    prod = Remote(PROVISIONED, "prod", inputs, OUTPUTS, options)
    dev = Remote(PROVISIONED, "dev", {}, OUTPUTS, options)
    named = {"stack": "data", "type": "local", "region": REGION, "newBucket": "team-data",
             "artifactStore": "s3://team-data/kitaru", "tags": {"team": "ml"}}  # fmt: skip
    data = Remote(INFRASTRUCTURE, "data", named, ("artifactStore", "region"), options)
    for key in OUTPUTS:
        pulumi.export(key, getattr(prod, key))
    pulumi.export("dev", dev.type)  # type: ignore[attr-defined]
    pulumi.export("data", data.artifactStore)  # type: ignore[attr-defined]


def stored(name: str) -> Any:
    with quiet():
        return Store.open().read(name)


@pytest.mark.engine
def test_they_are_built_by_the_plugin(site: Room, workshop: EngineRoom) -> None:
    seen = site.preview(all_three)
    assert {"prod", "dev", "data"} <= set(seen.ops)
    assert f'"{REGISTRY}"' in seen.text
    assert workshop.aws.client("s3").list_buckets()["Buckets"] == []

    made = site.up(all_three)
    assert made.outputs["dev"] == "local"
    assert made.outputs["data"] == "s3://team-data/kitaru"
    assert {key: made.outputs.get(key) for key in OUTPUTS if key != "stackId"} == {
        "name": "prod",
        "type": "sagemaker",
        "artifactStore": f"s3://{BUCKET}",
        "containerRegistry": REGISTRY,
        "cluster": None,
        "region": REGION,
        "executionRole": ROLE,
    }
    assert made.outputs["stackId"] == str(stored("prod").id)
    assert stored("dev") is not None
    tags = workshop.aws.client("s3").get_bucket_tagging(Bucket="team-data")["TagSet"]
    assert {"Key": "team", "Value": "ml"} in tags
    assert keys().split(":")[2] not in json.dumps(site.resources())

    again = site.up(all_three)
    assert set(again.ops.values()) == {"same"}, again.text


@pytest.mark.engine
def test_a_part_that_fails_is_said_in_the_words_of_the_cloud(
    site: Room, workshop: EngineRoom
) -> None:
    workshop.fault("before", "aws:iam/role:Role", fail="AccessDenied: not today")
    with pytest.raises(Failed, match="AccessDenied: not today") as failed:
        site.up(component(PROVISIONED, {"type": "sagemaker", "region": REGION}))
    assert "kitaru_iac/" not in str(failed.value)
    workshop.no_faults()
    token = "aws:index/getCallerIdentity:getCallerIdentity"
    workshop.fault("before", token, fail="ExpiredToken: log in again")
    with pytest.raises(Failed, match="ExpiredToken: log in again") as failed:
        site.preview(component(PROVISIONED, {"type": "sagemaker", "region": REGION}))
    assert "account of the AWS provider cannot be looked up" in str(failed.value)
    assert "kitaru_iac/" not in str(failed.value)


def component(token: str, inputs: dict[str, Any]) -> Callable[[], None]:
    def program() -> None:
        Remote(token, "prod", inputs)

    return program


def from_an_output() -> None:
    made = aws_sdk.s3.Bucket("other", bucket="other")
    Remote(PROVISIONED, "prod", {"type": "sagemaker", "region": made.bucket_region})


WRONG: list[tuple[Callable[[], None], tuple[str, ...]]] = [
    (
        component(PROVISIONED, {"type": "sagemaker", "region": "nowhere", "executionRol": "x"}),
        (
            "executionRol: ProvisionedStack has no such property. Did you mean `executionRole`?",
            'property region with value "nowhere" has a problem',
        ),
    ),
    (
        component(
            PROVISIONED,
            {
                "type": "sagemaker",
                "region": REGION,
                "credentials": f"aws-access-keys:{SECRET}",
                "credential": SECRET,
            },
        ),
        ("credentials: ", "credential: ProvisionedStack has no such property"),
    ),
    (from_an_output, ("region: it is an output, and has to be known",)),
    (
        component(INFRASTRUCTURE, {"type": "vertex", "newBucket": ["b"], "newBuckt": "b"}),
        (
            "newBuckt: Infrastructure has no such property. Did you mean `newBucket`?",
            "property region has a problem: region is missing",
            "property stack has a problem: stack is missing",
            "it has to be text",
            "it has to be one of local, kubernetes, sagemaker",
        ),
    ),
    (component("kitaru:index:Nothing", {}), ("There is no component kitaru:index:Nothing",)),
]


@pytest.mark.engine
def test_wrong_inputs_are_said_all_at_once(site: Room, workshop: EngineRoom) -> None:
    for program, said in WRONG:
        with pytest.raises(Failed) as refused:
            site.preview(program)
        text = str(refused.value)
        for part in said:
            assert part in text
        assert SECRET not in text
        assert "kitaru_iac/" not in text
        assert "panic" not in text
    assert site.resources() == {}


def test_the_schema_needs_no_sdk_of_a_cloud() -> None:
    code = (
        "import json, sys\n"
        "for name in ('pulumi_aws', 'boto3', 'zenml'): sys.modules[name] = None\n"
        "from kitaru_iac.pulumi.plugin.components import schema\n"
        "print(json.dumps(schema()))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == schema()


def test_the_schema_has_every_key_with_its_text() -> None:
    parts = schema()["resources"]
    stack = parts[PROVISIONED]
    assert set(stack["inputProperties"]) == {
        camel(key) for key in FIELDS if key not in {"infra", *COMMAND_KEYS}
    }
    assert stack["inputProperties"]["credentials"]["secret"] is True
    assert stack["inputProperties"]["region"]["plain"] is True
    assert "plain" not in stack["inputProperties"]["credentials"]
    assert set(stack["properties"]) == {*OUTPUTS, "workspace"}
    infrastructure = parts[INFRASTRUCTURE]
    assert set(infrastructure["inputProperties"]) == {
        camel(key) for key in InfrastructureArgs.__annotations__
    }
    assert infrastructure["requiredInputs"] == ["region", "stack", "type"]
    for part in parts.values():
        assert part["isComponent"] is True
        for property_ in (*part["inputProperties"].values(), *part["properties"].values()):
            assert property_["description"]
            assert {"type", "$ref"} & property_.keys()


def test_missing_packages_are_one_line_with_the_command() -> None:
    """In a process that has no `pulumi-aws`."""
    code = (
        "import importlib.metadata as m, sys\n"
        "def version(name): raise m.PackageNotFoundError(name)\n"
        "sys.modules['pulumi_aws'], m.version = None, version\n"
        "from kitaru_iac.pulumi.plugin.components import construct\n"
        "try:\n"
        "    construct('kitaru:aws:Infrastructure', 'kitaru:aws:Infrastructure',\n"
        "              {'stack': 'prod', 'type': 'local', 'region': 'eu-west-1'})\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error.message)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("InputPropertiesError The AWS packages are not installed")
    assert "pip install 'kitaru-iac[aws]'" in ran.stdout
