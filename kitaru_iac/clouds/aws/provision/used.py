"""What the steps of a stack use, from the component's arguments: for the statements of its roles.

It is what `aws_resources` says of the description, so that a role is granted what `kitaru stack
policy` prints and the checks ask for.
"""

from __future__ import annotations

from kitaru_iac.clouds.aws.provision.args import InfrastructureArgs
from kitaru_iac.clouds.aws.resources import DEFAULT_REPOSITORY, AwsResources, prefix_of
from kitaru_iac.spec.clouds.aws import aws_partition
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.uris import EcrUri, S3Uri, parse_artifact_store, parse_container_registry

__all__ = ["used"]


def used(args: InfrastructureArgs) -> AwsResources:
    """What the stack's steps use, by name.

    Args:
        args: With the account.

    Raises:
        UriError: The URI of the store or of the registry is none.
    """
    store, images = args.get("artifact_store"), args.get("container_registry")
    parsed = parse_artifact_store(store) if store else None
    bucket = parsed if isinstance(parsed, S3Uri) else None
    registry = parse_container_registry(images) if images else None
    ecr = registry if isinstance(registry, EcrUri) else None
    repository = args.get("repository") or (ecr.repository if ecr else None) or DEFAULT_REPOSITORY
    partition, new_role = aws_partition(args["region"]), args.get("new_role")
    return AwsResources(
        stack=args["stack"],
        type=StackType(args["type"]),
        region=args["region"],
        partition=partition,
        account=args["account"],
        bucket=bucket.bucket if bucket else args.get("new_bucket"),
        prefix=prefix_of(bucket),
        kms_key=args.get("kms_key"),
        registry=ecr,
        repository=repository if ecr else None,
        cluster=args.get("new_cluster") or args.get("cluster"),
        role=f"arn:{partition}:iam::{args['account']}:role/{new_role}"
        if new_role
        else args.get("execution_role"),
    )
