"""ECR: a repository and its lifecycle policy."""

from __future__ import annotations

from typing import Any

from standin.kinds import Inputs, Kind, ask, gone, mapping, pairs

_NO_REPOSITORY = {"RepositoryNotFoundException"}


class Repository(Kind):
    token = "aws:ecr/repository:Repository"
    forces = frozenset({"name", "encryptionConfigurations"})
    computed = ("arn", "registryId", "repositoryUrl", "tagsAll")

    def create(self, inputs: Inputs) -> str:
        encryption = (inputs.get("encryptionConfigurations") or [{}])[0]
        scan = (inputs.get("imageScanningConfiguration") or {}).get("scanOnPush", False)
        self.client("ecr").create_repository(
            repositoryName=inputs["name"],
            imageTagMutability=inputs.get("imageTagMutability") or "MUTABLE",
            imageScanningConfiguration={"scanOnPush": bool(scan)},
            encryptionConfiguration={"encryptionType": encryption.get("encryptionType", "AES256")},
            tags=pairs(inputs.get("tags")),
        )
        return str(inputs["name"])

    def read(self, id: str) -> dict[str, Any]:
        ecr = self.client("ecr")
        found = ask(_NO_REPOSITORY, ecr.describe_repositories, repositoryNames=[id])
        seen = found["repositories"][0]
        tags = mapping(ecr.list_tags_for_resource(resourceArn=seen["repositoryArn"])["tags"])
        kind = seen.get("encryptionConfiguration", {}).get("encryptionType", "AES256")
        return {
            "name": id,
            "arn": seen["repositoryArn"],
            "registryId": seen["registryId"],
            "repositoryUrl": seen["repositoryUri"],
            "imageTagMutability": seen["imageTagMutability"],
            "imageScanningConfiguration": {
                "scanOnPush": seen["imageScanningConfiguration"]["scanOnPush"]
            },
            "encryptionConfigurations": [{"encryptionType": kind}],
            "tags": tags,
            "tagsAll": tags,
        }

    def update(self, id: str, old: Inputs, new: Inputs) -> None:
        ecr = self.client("ecr")
        arn = old["arn"]
        scan = (new.get("imageScanningConfiguration") or {}).get("scanOnPush", False)
        ecr.put_image_scanning_configuration(
            repositoryName=id, imageScanningConfiguration={"scanOnPush": bool(scan)}
        )
        ecr.put_image_tag_mutability(
            repositoryName=id, imageTagMutability=new.get("imageTagMutability") or "MUTABLE"
        )
        wanted = new.get("tags") or {}
        extra = [key for key in self.read(id)["tags"] if key not in wanted]
        if extra:
            ecr.untag_resource(resourceArn=arn, tagKeys=extra)
        ecr.tag_resource(resourceArn=arn, tags=pairs(wanted))

    def delete(self, id: str, state: Inputs) -> None:
        force = bool(state.get("forceDelete"))
        gone(_NO_REPOSITORY, self.client("ecr").delete_repository, repositoryName=id, force=force)


class LifecyclePolicy(Kind):
    token = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
    forces = frozenset({"repository"})
    computed = ("registryId",)
    _NONE = _NO_REPOSITORY | {"LifecyclePolicyNotFoundException"}

    def create(self, inputs: Inputs) -> str:
        self.client("ecr").put_lifecycle_policy(
            repositoryName=inputs["repository"], lifecyclePolicyText=inputs["policy"]
        )
        return str(inputs["repository"])

    def read(self, id: str) -> dict[str, Any]:
        found = ask(self._NONE, self.client("ecr").get_lifecycle_policy, repositoryName=id)
        return {
            "repository": id,
            "policy": found["lifecyclePolicyText"],
            "registryId": found["registryId"],
        }

    def update(self, id: str, old: Inputs, new: Inputs) -> None:
        del old, id
        self.create(new)

    def delete(self, id: str, state: Inputs) -> None:
        del state
        gone(self._NONE, self.client("ecr").delete_lifecycle_policy, repositoryName=id)


KINDS = (Repository, LifecyclePolicy)
