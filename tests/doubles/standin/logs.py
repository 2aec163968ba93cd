"""CloudWatch Logs: a log group."""

from __future__ import annotations

from typing import Any

from standin.kinds import Inputs, Kind, Missing, gone

_NONE = {"ResourceNotFoundException"}


class LogGroup(Kind):
    token = "aws:cloudwatch/logGroup:LogGroup"
    forces = frozenset({"name"})
    computed = ("arn", "tagsAll")

    def create(self, inputs: Inputs) -> str:
        logs, name = self.client("logs"), str(inputs["name"])
        logs.create_log_group(logGroupName=name, tags=inputs.get("tags") or {})
        self._keep(name, inputs)
        return name

    def _keep(self, name: str, inputs: Inputs) -> None:
        days = int(inputs["retentionInDays"])
        self.client("logs").put_retention_policy(logGroupName=name, retentionInDays=days)

    def read(self, id: str) -> dict[str, Any]:
        logs = self.client("logs")
        for seen in logs.describe_log_groups(logGroupNamePrefix=id)["logGroups"]:
            if seen["logGroupName"] == id:
                arn = seen["arn"].removesuffix(":*")
                tags = logs.list_tags_for_resource(resourceArn=arn)["tags"]
                return {"name": id, "arn": arn, "retentionInDays": seen["retentionInDays"],
                        "tags": tags, "tagsAll": tags}  # fmt: skip
        raise Missing(id)

    def update(self, id: str, old: Inputs, new: Inputs) -> None:
        del old
        self._keep(id, new)

    def delete(self, id: str, state: Inputs) -> None:
        del state
        gone(_NONE, self.client("logs").delete_log_group, logGroupName=id)


KINDS = (LogGroup,)
