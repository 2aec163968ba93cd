"""IAM: roles, their inline policies and the managed ones attached to them."""

from __future__ import annotations

import json
from typing import Any

from standin.kinds import Inputs, Kind, Missing, ask, gone, mapping, pairs

_NO_ROLE = {"NoSuchEntity"}


class Role(Kind):
    token = "aws:iam/role:Role"
    regional = False
    forces = frozenset({"name", "path"})
    computed = ("arn", "createDate", "uniqueId", "tagsAll")

    def create(self, inputs: Inputs) -> str:
        more: dict[str, Any] = {}
        if inputs.get("permissionsBoundary"):
            more["PermissionsBoundary"] = inputs["permissionsBoundary"]
        self.client("iam").create_role(
            RoleName=inputs["name"],
            AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
            Description=inputs.get("description") or "",
            Tags=pairs(inputs.get("tags")),
            **more,
        )
        return str(inputs["name"])

    def read(self, id: str) -> dict[str, Any]:
        seen = ask(_NO_ROLE, self.client("iam").get_role, RoleName=id)["Role"]
        tags = mapping(seen.get("Tags", []))
        boundary = seen.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        return {
            "name": id,
            "arn": seen["Arn"],
            "assumeRolePolicy": json.dumps(seen["AssumeRolePolicyDocument"]),
            "description": seen.get("Description") or None,
            "permissionsBoundary": boundary,
            "createDate": seen["CreateDate"].isoformat(),
            "uniqueId": seen["RoleId"],
            "tags": tags,
            "tagsAll": tags,
        }

    def update(self, id: str, old: Inputs, new: Inputs) -> None:
        del old
        iam = self.client("iam")
        iam.update_assume_role_policy(RoleName=id, PolicyDocument=new["assumeRolePolicy"])
        iam.update_role_description(RoleName=id, Description=new.get("description") or "")
        seen, wanted = self.read(id), new.get("tags") or {}
        boundary = new.get("permissionsBoundary")
        if boundary and boundary != seen["permissionsBoundary"]:
            iam.put_role_permissions_boundary(RoleName=id, PermissionsBoundary=boundary)
        elif seen["permissionsBoundary"] and not boundary:
            iam.delete_role_permissions_boundary(RoleName=id)
        extra = [key for key in seen["tags"] if key not in wanted]
        if extra:
            iam.untag_role(RoleName=id, TagKeys=extra)
        iam.tag_role(RoleName=id, Tags=pairs(wanted))

    def delete(self, id: str, state: Inputs) -> None:
        del state
        gone(_NO_ROLE, self.client("iam").delete_role, RoleName=id)


class RolePolicy(Kind):
    """Its id is ``role:name``."""

    token = "aws:iam/rolePolicy:RolePolicy"
    regional = False
    forces = frozenset({"role", "name"})

    def create(self, inputs: Inputs) -> str:
        self.client("iam").put_role_policy(
            RoleName=inputs["role"], PolicyName=inputs["name"], PolicyDocument=inputs["policy"]
        )
        return f"{inputs['role']}:{inputs['name']}"

    def read(self, id: str) -> dict[str, Any]:
        role, _, name = id.partition(":")
        call = self.client("iam").get_role_policy
        seen = ask(_NO_ROLE, call, RoleName=role, PolicyName=name)
        return {"role": role, "name": name, "policy": json.dumps(seen["PolicyDocument"])}

    def update(self, id: str, old: Inputs, new: Inputs) -> None:
        del id, old
        self.create(new)

    def delete(self, id: str, state: Inputs) -> None:
        del state
        role, _, name = id.partition(":")
        gone(_NO_ROLE, self.client("iam").delete_role_policy, RoleName=role, PolicyName=name)


class RolePolicyAttachment(Kind):
    """Its id is ``role/arn``."""

    token = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    regional = False
    forces = frozenset({"role", "policyArn"})

    def create(self, inputs: Inputs) -> str:
        role, arn = str(inputs["role"]), str(inputs["policyArn"])
        self.client("iam").attach_role_policy(RoleName=role, PolicyArn=arn)
        return f"{role}/{arn}"

    def read(self, id: str) -> dict[str, Any]:
        role, _, arn = id.partition("/")
        found = ask(_NO_ROLE, self.client("iam").list_attached_role_policies, RoleName=role)
        if arn not in {seen["PolicyArn"] for seen in found["AttachedPolicies"]}:
            raise Missing(id)
        return {"role": role, "policyArn": arn}

    def delete(self, id: str, state: Inputs) -> None:
        del state
        role, _, arn = id.partition("/")
        gone(_NO_ROLE, self.client("iam").detach_role_policy, RoleName=role, PolicyArn=arn)


KINDS = (Role, RolePolicy, RolePolicyAttachment)
