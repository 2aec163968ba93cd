"""A stack with its infrastructure in one resource of a Python program: real engine, real ZenML."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws_sdk
import pytest

import kitaru_iac.pulumi as kitaru
from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.infrastructure.verify import verify
from kitaru_iac.records.stored import Store
from kitaru_iac.spec import from_mapping
from tests.docs.markdown import blocks
from tests.doubles.aws import REGION
from tests.doubles.standin.fixtures import EngineRoom
from tests.pulumi.aws_site import BUCKET, REGISTRY, ROLE, keys, site, workshop
from tests.pulumi.room import Failed, Room
from tests.pulumi.tracebacks import failed_badly

__all__ = ["site", "workshop"]

pytestmark = pytest.mark.engine

OUTPUTS = ("name", "type", "artifact_store", "container_registry", "cluster", "region",
           "execution_role", "stack_id")  # fmt: skip


def prod(**more: Any) -> Callable[[], None]:
    """A program with one sagemaker stack, made by a provider of another region."""

    def program() -> None:
        provider = aws_sdk.Provider("mine", region="eu-central-1")
        made = kitaru.ProvisionedStack(
            "prod",
            type="sagemaker",
            region=REGION,
            credentials=keys(),
            opts=pulumi.ResourceOptions(providers=[provider]),
            **more,
        )
        for key in OUTPUTS:
            pulumi.export(key, getattr(made, key))

    return program


def stored(name: str = "prod") -> Any:
    with quiet():
        return Store.open().read(name)


def buckets(workshop: EngineRoom) -> list[str]:
    return [bucket["Name"] for bucket in workshop.aws.client("s3").list_buckets()["Buckets"]]


def test_a_whole_life(site: Room, workshop: EngineRoom) -> None:
    seen = site.preview(prod())
    assert "Traceback" not in seen.text
    assert seen.text.count("create") >= 15
    # What is not there yet has its names already: the stack's registration is previewed, too.
    for known in (f"s3://{BUCKET}", REGISTRY, ROLE):
        assert f'"{known}"' in seen.text
    assert buckets(workshop) == []
    assert stored() is None

    made = site.up(prod())
    assert {key: made.outputs.get(key) for key in OUTPUTS if key != "stack_id"} == {
        "name": "prod",
        "type": "sagemaker",
        "artifact_store": f"s3://{BUCKET}",
        "container_registry": REGISTRY,
        "cluster": None,
        "region": REGION,
        "execution_role": ROLE,
    }
    record = stored()
    assert record is not None
    assert made.outputs["stack_id"] == str(record.id)
    description = {key: made.outputs[key] for key in ("name", "type", "artifact_store", "region",
                   "container_registry", "execution_role")}  # fmt: skip
    report = verify(from_mapping({**description, "credentials": keys(), "infra": "verify"}))
    assert [result.id for result in report.results if result.status in {"fail", "warn"}] == []

    assert "15 unchanged" in site.up(prod()).text

    changed = site.up(prod(async_=True, extra={"orchestrator": {"tags": {"team": "ml"}}}))
    assert changed.outputs["stack_id"] == made.outputs["stack_id"]
    assert "1 updated" in changed.text
    assert stored().components[0] is not None

    with pytest.raises(Failed, match="as it is currently marked for protection"):
        site.preview(prod(name="other"))  # the bucket would have to be another one

    # What holds data stays, and is said to; everything else goes, the stack first.
    gone = site.destroy(exclude_protected=True)
    order = [line for line in gone.text.splitlines() if " deleted" in line]
    positions = {
        kind: index
        for index, line in enumerate(order)
        for kind in ("kitaru:index:Stack", "aws:ecr:Repository", "aws:iam:Role ")
        if kind in line
    }
    assert positions["kitaru:index:Stack"] < positions["aws:ecr:Repository"]
    assert positions["kitaru:index:Stack"] < positions["aws:iam:Role "]
    assert stored() is None
    assert buckets(workshop) == [BUCKET]
    assert workshop.aws.client("ecr").describe_repositories()["repositories"] == []
    assert workshop.aws.client("iam").list_roles()["Roles"] == []
    with pytest.raises(Failed, match="pulumi state unprotect"):
        site.destroy()

    # Without the protection it goes from the state alone.
    assert (
        site.pulumi("state", "unprotect", "--all", "--yes", "--stack", site.stack).returncode == 0
    )
    site.destroy()
    assert site.resources() == {}
    assert buckets(workshop) == [BUCKET]
    assert workshop.aws.client("s3").get_public_access_block(Bucket=BUCKET)


def test_a_run_that_failed_is_continued(site: Room, workshop: EngineRoom) -> None:
    workshop.fault("before", "aws:iam/role:Role", fail="AccessDenied: not today")
    with pytest.raises(Failed, match="AccessDenied: not today") as failed:
        site.up(prod())
    assert "kitaru_iac/" not in str(failed.value)
    assert buckets(workshop) == [BUCKET]
    assert stored() is None

    workshop.no_faults()
    assert site.up(prod()).outputs["execution_role"] == ROLE
    assert stored() is not None
    assert "15 unchanged" in site.up(prod()).text


def test_a_colleague_has_a_stack_of_this_name(site: Room, workshop: EngineRoom) -> None:
    """It is seen in the preview, before there is anything in the account."""
    mine = Room(site.folder, stack="mine", project=site.project)
    mine.up(lambda: pulumi.export("id", kitaru.Stack("prod").id))
    taken = stored()
    with pytest.raises(Failed, match="prod") as refused:
        site.preview(prod())
    assert not failed_badly(str(refused.value))
    assert buckets(workshop) == []
    assert stored() == taken


def test_the_program_of_the_guide(
    site: Room, workshop: EngineRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KITARU_CREDENTIALS", keys())
    page = Path(__file__).parents[2] / "docs" / "guides" / "infrastructure.md"
    (block,) = [found for found in blocks(page) if found.words == ("python", "program")]
    code = compile(block.text, str(page), "exec")
    seen = site.preview(lambda: exec(code, {"__name__": "program"}))
    assert f'artifact_store: "s3://{BUCKET}"' in seen.text
    assert "15 to create" in seen.text


def local() -> None:
    made = kitaru.ProvisionedStack("dev")
    pulumi.export("type", made.type)
    pulumi.export("artifact_store", made.artifact_store)


def test_a_local_stack_is_the_stack_alone(site: Room, workshop: EngineRoom) -> None:
    made = site.up(local)
    assert made.ops["dev"] == "create"
    assert made.outputs["type"] == "local"
    assert {name for name, of in site.resources().items() if of["type"].startswith("aws:")} == set()
    site.destroy()
    assert site.resources() == {}


def test_a_bucket_that_exists_is_used(site: Room, workshop: EngineRoom) -> None:
    workshop.aws.bucket("team-data")

    def program() -> None:
        made = kitaru.ProvisionedStack(
            "dev", artifact_store="s3://team-data/dev", region=REGION, credentials=keys()
        )
        pulumi.export("artifact_store", made.artifact_store)

    assert site.up(program).outputs["artifact_store"] == "s3://team-data/dev"
    site.destroy()
    assert buckets(workshop) == ["team-data"]


def wrong() -> None:
    kitaru.ProvisionedStack(
        "prod", type="sagemaker", region="nowhere", namespace="ml", credentials="aws-profile:"
    )


def unknown() -> None:
    made = aws_sdk.s3.Bucket("other", bucket="other")
    kitaru.ProvisionedStack("prod", type="sagemaker", region=made.bucket_region)  # type: ignore[arg-type]


def registry_of_others() -> None:
    kitaru.ProvisionedStack(
        "prod",
        type="sagemaker",
        region=REGION,
        container_registry=f"999999999999.dkr.ecr.{REGION}.amazonaws.com",
        resources={"registry": "create"},
    )


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (wrong, ("region: `nowhere` is not", "namespace: type sagemaker has no", "credentials: ")),
        (unknown, ("region: it is an output, and has to be known",)),
        (registry_of_others, ("container_registry: the registry", "not that of the credentials")),
    ],
)
def test_what_cannot_be_made_is_said_without_a_traceback(
    site: Room, program: Callable[[], None], said: tuple[str, ...]
) -> None:
    with pytest.raises(Failed) as refused:
        site.preview(program)
    text = str(refused.value)
    assert "ProvisionedStack cannot be made" in text
    for part in said:
        assert part in text
    assert not failed_badly(text)
