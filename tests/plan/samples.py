"""A plan for each feature of the format. Their documents are kept in `goldens`, for ever."""

from __future__ import annotations

from kitaru_iac.notices import PartShared
from kitaru_iac.plan.document import StackPlan, changes
from kitaru_iac.plan.model import HIDDEN, Action, Change, Layer, Plan, Reason, Step

BUCKET = "aws:s3/bucket:Bucket"
CLOUD = Layer.INFRASTRUCTURE
SAGEMAKER = {"name": "prod", "type": "sagemaker", "region": "eu-west-1"}


def one(*steps: Step, **more: object) -> list[StackPlan]:
    """The plan of one stack with these steps."""
    return [StackPlan(Plan("prod", steps), SAGEMAKER, store="local", **more)]  # type: ignore[arg-type]


ERROR = {"code": "already_exists", "message": "The name is taken", "type": "AlreadyExistsError"}
CHECKS = (
    {"id": "aws.bucket.exists", "status": "ok", "subject": "s3://data", "why": "It exists."},
    {"id": "aws.role.trust", "status": "unknown", "subject": "arn:x", "why": "Denied."},
)
SAMPLES: dict[str, list[StackPlan]] = {
    "nothing": [],
    "create": one(
        Step(Action.CREATE, BUCKET, "kitaru-prod-1", CLOUD, key="bucket"),
        Step(Action.CREATE, "service_connector", "prod"),
        Step(Action.CREATE, "orchestrator", "prod"),
        Step(Action.CREATE, "stack", "prod"),
        Step(Action.ACTIVATE, "stack", "prod"),
    ),
    "update": one(
        Step(
            Action.UPDATE,
            "artifact_store",
            "prod",
            changes=(
                Change("configuration.path", "s3://a", "s3://b"),
                Change("configuration.size", None, 3),
                Change("configuration.old", {"deep": [1, 2.5, None, True]}, None),
            ),
        ),
        Step(Action.KEEP, "stack", "prod"),
    ),
    "renamed": one(
        Step(
            Action.UPDATE,
            BUCKET,
            "kitaru-prod-1",
            CLOUD,
            (Change("tags.team", "a", "b"),),
            f"it was {BUCKET}/store before",
            code=Reason.RENAMED,
            key="bucket",
            previous=f"{BUCKET}/store",
        )
    ),
    "unknown-values": one(
        Step(Action.UPDATE, BUCKET, "kitaru-prod-1", CLOUD, (Change("tags.team"),), key="bucket")
    ),
    "secret": one(
        Step(
            Action.UPDATE,
            "service_connector",
            "prod",
            changes=(
                Change("configuration.new", None, HIDDEN, sensitive=True),
                Change("configuration.key", HIDDEN, HIDDEN, sensitive=True),
                Change("configuration.old", HIDDEN, None, sensitive=True),
                Change("configuration.text", HIDDEN, "(secret) is only a text here"),
            ),
        ),
        sensitive=("extra.container_registry.password",),
    ),
    "secret-that-not-every-login-sees": one(
        Step(
            Action.UPDATE,
            "service_connector",
            "prod",
            changes=(
                Change("configuration.region", "a", "b"),
                Change("configuration.key", HIDDEN, HIDDEN, sensitive=True, undigested=True),
            ),
        ),
    ),
    "replace-create-first": one(
        Step(
            Action.REPLACE,
            "stack",
            "prod",
            reason="its type changes from local to sagemaker; it gets a new id",
            code=Reason.STACK_REPLACED,
        ),
        Step(Action.CREATE, "artifact_store", "prod"),
        Step(Action.DELETE, "artifact_store", "prod"),
    ),
    "replace-delete-first": one(
        Step(
            Action.REPLACE,
            BUCKET,
            "kitaru-prod-1",
            CLOUD,
            (Change("bucket"),),
            "forced by bucket",
            code=Reason.FORCED,
            key="bucket",
            deletes_first=True,
        )
    ),
    "delete": one(
        Step(
            Action.DELETE,
            "image_builder",
            "prod",
            reason="not described any more",
            code=Reason.NOT_DESCRIBED,
        )
    ),
    "parts-of-others": one(
        Step(
            Action.KEEP,
            "service_connector",
            "team",
            reason="existing, used as it is",
            code=Reason.EXISTING,
        ),
        Step(
            Action.KEEP,
            "image_builder",
            "mine",
            reason="added to the stack by hand",
            code=Reason.ADDED_BY_HAND,
        ),
        Step(
            Action.UPDATE,
            "artifact_store",
            "prod",
            changes=(Change("labels.kitaru.managed", None, "true"),),
            used_by=("stack test", "stack other"),
        ),
    ),
    "checks": one(Step(Action.KEEP, "stack", "prod"), checks=CHECKS),
    "warnings": [
        StackPlan(Plan("prod", (), (PartShared("The orchestrator is used by stack test too."),)))
    ],
    "drift": one(
        Step(Action.KEEP, "stack", "prod"),
        drift=tuple(
            changes(
                [
                    Step(
                        Action.UPDATE,
                        "artifact_store",
                        "prod",
                        changes=(Change("configuration.path", "s3://data", "s3://other"),),
                    ),
                    Step(Action.DELETE, "container_registry", "prod"),
                ],
                "prod",
            )
        ),
    ),
    "several-and-a-failure": [
        StackPlan(
            Plan("dev", (Step(Action.CREATE, "stack", "dev"),)),
            {"name": "dev"},
            source="stacks/dev.yaml",
            store="https://zenml.example.com",
        ),
        StackPlan(Plan("prod"), SAGEMAKER, source="stacks/prod.yaml", error=ERROR),
        StackPlan(Plan("same", (Step(Action.KEEP, "stack", "same"),)), {"name": "same"}),
    ],
}
