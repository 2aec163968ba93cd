import pulumi
import zenml_io_kitaru as kitaru

config = pulumi.Config()
dev = kitaru.Stack(
    "dev",
    type=kitaru.StackType.LOCAL,
    artifact_store=config.get("store"),
)

pulumi.export("stackId", dev.id)
pulumi.export("store", dev.artifact_store)
