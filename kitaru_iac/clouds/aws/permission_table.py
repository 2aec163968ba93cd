"""The one table of permissions on AWS: who does what to which thing, and why.

It feeds the checks (simulation), provisioning (roles), `kitaru stack policy` and the documentation;
there is no second list. Who pulls an image are the nodes of a cluster; on SageMaker the execution
role itself.

Read from ZenML 0.98 (``aws_service_connector.py``, ``sagemaker_orchestrator.py``,
``s3_artifact_store.py``), s3fs, the SageMaker SDK and AWS's documentation of SageMaker roles.
Its connector's docstring asks for more than any line of it uses: ``s3:ListAllMyBuckets`` and
``eks:ListClusters`` (only to list without a resource id, which a stack always has),
``ecr:DescribeRegistry``, ``ecr:ListRepositories`` and ``ecr:DescribeImages`` (no caller). They are
not here. ``sagemaker:ListDomains`` is not either: it only makes a link, and its refusal is caught.

A store with a prefix narrows what is granted on its bucket: to the objects under the prefix, and
to listing them (`Resource.LISTING`) where a request names a prefix. Where it names none, listing
is allowed: ``HeadBucket`` (connector verification, the SageMaker SDK) and s3fs's look whether the
bucket exists need the same ``s3:ListBucket``, and a missing object is 404 instead of 403 only for
those who may list (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html). So the
names of other objects can be listed; nothing of them can be read. What SageMaker itself writes at
the top of the bucket is a line of its own.
"""

from __future__ import annotations

from enum import StrEnum

from kitaru_iac.checks.permissions import Conditions, Identity, Permission, Rows
from kitaru_iac.spec.kinds import StackType

__all__ = ["PERMISSIONS", "AwsPermission", "Resource", "When"]


class Resource(StrEnum):
    """What a permission is about; `arns` gives the ARNs for one stack. The value is the Sid."""

    ANYTHING = "Account"
    BUCKET = "Bucket"
    LISTING = "Listing"
    OBJECTS = "Objects"
    JOB_OUTPUT = "JobOutput"
    DEFINITIONS = "PipelineDefinitions"
    KEY = "BucketKey"
    REPOSITORY = "Repository"
    REPOSITORIES = "AllRepositories"
    CLUSTER = "Cluster"
    CLUSTER_PARTS = "ClusterParts"
    PIPELINES = "Pipelines"
    JOBS = "Jobs"
    LOGS = "Logs"
    METRICS = "Metrics"
    ROLE = "ExecutionRole"
    ROLES = "Roles"
    PRINCIPALS = "RolesAndUsers"
    SCHEDULES = "Schedules"
    SCHEDULER_ROLE = "SchedulerRole"


class When(StrEnum):
    """In which stacks a permission is needed at all."""

    ALWAYS = "always"
    KEY = "the bucket is encrypted with a KMS key"
    SCHEDULES = "extra.orchestrator.scheduler_role is set"


_EVERY = frozenset({StackType.LOCAL, StackType.KUBERNETES, StackType.SAGEMAKER})
_REMOTE = frozenset({StackType.KUBERNETES, StackType.SAGEMAKER})
_EKS = frozenset({StackType.KUBERNETES})
_SAGEMAKER = frozenset({StackType.SAGEMAKER})

AwsPermission = Permission[Resource, When]
_rows: Rows[Resource, When] = Rows(When.ALWAYS)


def _passed_to(service: str) -> Conditions:
    return {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}}


_C, _R, _P, _V = Identity.CONNECTOR, Identity.RUNTIME, Identity.PULL, Identity.VERIFY
_OBJECTS = {
    "s3:GetObject": "load artifacts, code and logs",
    "s3:PutObject": "save artifacts, code and logs",
    "s3:DeleteObject": "delete artifacts",
    "s3:AbortMultipartUpload": "clean up after a large upload that failed (s3fs)",
}
_KEY = {
    "kms:Decrypt": "read objects encrypted with the bucket's key",
    "kms:GenerateDataKey": "write objects encrypted with the bucket's key",
}
_PULL = {
    "ecr:BatchGetImage": "read the image's manifest",
    "ecr:GetDownloadUrlForLayer": "download the image's layers",
}
_JOBS = {
    "sagemaker:CreateProcessingJob": "start a step",
    "sagemaker:DescribeProcessingJob": "follow a step",
    "sagemaker:StopProcessingJob": "stop a step",
    "sagemaker:CreateTrainingJob": "start a step that asks for a training job",
    "sagemaker:DescribeTrainingJob": "follow it",
    "sagemaker:StopTrainingJob": "stop it",
    "sagemaker:AddTags": "the tags of a job",
}

_HANGING = "aws.role.*, aws.connector.*: whether a decision hangs on a condition key"
_READ_POLICIES = (
    "iam:GetGroupPolicy",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRolePolicy",
    "iam:GetUser",
    "iam:GetUserPolicy",
    "iam:ListAttachedGroupPolicies",
    "iam:ListAttachedRolePolicies",
    "iam:ListAttachedUserPolicies",
    "iam:ListGroupPolicies",
    "iam:ListGroupsForUser",
    "iam:ListRolePolicies",
    "iam:ListUserPolicies",
)

PERMISSIONS: tuple[AwsPermission, ...] = (
    # --- connector: artifacts
    *_rows(
        _C,
        Resource.BUCKET,
        _EVERY,
        {"s3:GetBucketVersioning": "know whether deleting must delete versions too"},
    ),
    *_rows(
        _C,
        Resource.LISTING,
        _EVERY,
        {
            "s3:ListBucket": "find the bucket (connector verification) and list artifacts",
            "s3:ListBucketVersions": "delete old versions of what is deleted",
        },
    ),
    *_rows(
        _C,
        Resource.OBJECTS,
        _EVERY,
        {**_OBJECTS, "s3:DeleteObjectVersion": "delete old versions of what is deleted"},
    ),
    # The SageMaker SDK uploads a pipeline's definition of more than 100 KB to the top of the
    # bucket, under the run's name (``Pipeline._create_args``).
    *_rows(
        _C,
        Resource.DEFINITIONS,
        _SAGEMAKER,
        {
            "s3:PutObject": "upload the definition of a large pipeline",
            "s3:GetObject": "SageMaker reads it on the caller's behalf",
        },
    ),
    *_rows(_C, Resource.KEY, _EVERY, _KEY, when=When.KEY),
    # --- connector: images
    *_rows(_C, Resource.ANYTHING, _REMOTE, {"ecr:GetAuthorizationToken": "log in to the registry"}),
    *_rows(
        _C,
        Resource.REPOSITORIES,
        _REMOTE,
        {"ecr:DescribeRepositories": "connector verification lists them; look before a push"},
    ),
    *_rows(
        _C,
        Resource.REPOSITORY,
        _REMOTE,
        {
            **_PULL,
            "ecr:BatchCheckLayerAvailability": "look which layers need no push",
            "ecr:InitiateLayerUpload": "push an image",
            "ecr:UploadLayerPart": "push an image",
            "ecr:CompleteLayerUpload": "push an image",
            "ecr:PutImage": "push an image",
        },
    ),
    # --- connector: kubernetes. What it may do inside the cluster, an access entry decides.
    *_rows(
        _C,
        Resource.CLUSTER,
        _EKS,
        {"eks:DescribeCluster": "connector verification; the cluster's endpoint and certificate"},
    ),
    # --- connector: SageMaker
    *_rows(
        _C,
        Resource.PIPELINES,
        _SAGEMAKER,
        {
            "sagemaker:CreatePipeline": "submit a run",
            "sagemaker:AddTags": "the tags of a pipeline",
            "sagemaker:StartPipelineExecution": "start a run",
            "sagemaker:DescribePipeline": "the SageMaker SDK reads the pipeline back",
            "sagemaker:DescribePipelineExecution": "follow a run",
        },
    ),
    *_rows(_C, Resource.JOBS, _SAGEMAKER, _JOBS),
    *_rows(
        _C,
        Resource.LOGS,
        _SAGEMAKER,
        {
            "logs:DescribeLogStreams": "show the logs of a synchronous run",
            "logs:GetLogEvents": "show the logs of a synchronous run",
        },
    ),
    # ZenML's own Terraform module grants this only with its step operator: the orchestrator alone
    # then fails at the first run.
    *_rows(
        _C,
        Resource.ROLE,
        _SAGEMAKER,
        {"iam:PassRole": "hand the execution role to SageMaker"},
        conditions=_passed_to("sagemaker"),
    ),
    *_rows(
        _C,
        Resource.SCHEDULES,
        _SAGEMAKER,
        {
            "scheduler:CreateSchedule": "schedule a pipeline",
            "scheduler:UpdateSchedule": "schedule a pipeline again under the same name",
        },
        when=When.SCHEDULES,
    ),
    *_rows(
        _C,
        Resource.SCHEDULER_ROLE,
        _SAGEMAKER,
        {"iam:PassRole": "hand the scheduler's role to EventBridge Scheduler"},
        when=When.SCHEDULES,
        conditions=_passed_to("scheduler"),
    ),
    # --- runtime. On Kubernetes it is the pods' own identity (Pod Identity or IRSA), which the code
    # of steps may use. ZenML itself takes the connector's credentials where the store has one, as
    # in every such stack that is registered here (``S3ArtifactStore.get_credentials``).
    *_rows(_R, Resource.LISTING, _REMOTE, {"s3:ListBucket": "list artifacts"}),
    *_rows(_R, Resource.OBJECTS, _REMOTE, _OBJECTS),
    # A training job, which is what ZenML makes of a step unless told otherwise, puts its output at
    # the top of the bucket: the SDK's Estimator takes ``s3://BUCKET/`` and SageMaker adds the job.
    *_rows(
        _R,
        Resource.JOB_OUTPUT,
        _SAGEMAKER,
        {
            "s3:PutObject": "SageMaker saves the output of a training job",
            "s3:AbortMultipartUpload": "clean up after a large upload that failed",
        },
    ),
    *_rows(_R, Resource.KEY, _REMOTE, _KEY, when=When.KEY),
    # https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html, "CreateTrainingJob API:
    # Execution Role Permissions", and .../build-and-manage-access.html for pipelines.
    *_rows(
        _R,
        Resource.LOGS,
        _SAGEMAKER,
        {
            "logs:CreateLogGroup": "SageMaker writes the steps' logs",
            "logs:CreateLogStream": "SageMaker writes the steps' logs",
            "logs:DescribeLogStreams": "SageMaker writes the steps' logs",
            "logs:PutLogEvents": "SageMaker writes the steps' logs",
        },
    ),
    *_rows(
        _R,
        Resource.METRICS,
        _SAGEMAKER,
        {"cloudwatch:PutMetricData": "SageMaker writes the steps' metrics"},
        conditions={"StringLike": {"cloudwatch:namespace": "/aws/sagemaker/*"}},
    ),
    *_rows(_R, Resource.JOBS, _SAGEMAKER, {k: f"the pipeline: {v}" for k, v in _JOBS.items()}),
    *_rows(
        _R,
        Resource.ROLE,
        _SAGEMAKER,
        {"iam:PassRole": "the pipeline hands the role on to its steps"},
        conditions=_passed_to("sagemaker"),
    ),
    # Pulling itself does not need it (AWS's own PullOnly policy lacks it); that page asks for it.
    *_rows(
        _R,
        Resource.REPOSITORY,
        _SAGEMAKER,
        {"ecr:BatchCheckLayerAvailability": "SageMaker looks for the image before a job starts"},
    ),
    # --- pull
    *_rows(_P, Resource.ANYTHING, _REMOTE, {"ecr:GetAuthorizationToken": "log in to the registry"}),
    *_rows(_P, Resource.REPOSITORY, _REMOTE, _PULL),
    # --- scheduler: EventBridge Scheduler starts the pipeline that the SDK's `put_triggers` names.
    # https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html (execution role)
    *_rows(
        Identity.SCHEDULER,
        Resource.PIPELINES,
        _SAGEMAKER,
        {"sagemaker:StartPipelineExecution": "EventBridge Scheduler starts a run"},
        when=When.SCHEDULES,
    ),
    # --- verify
    *_rows(
        _V,
        Resource.BUCKET,
        _EVERY,
        {
            "s3:ListBucket": "aws.bucket.exists",
            "s3:GetBucketPublicAccessBlock": "aws.bucket.public_access",
            "s3:GetBucketPolicyStatus": "aws.bucket.public_access",
            "s3:GetBucketAcl": "aws.bucket.public_access",
            "s3:GetEncryptionConfiguration": "aws.bucket.encryption",
            "s3:GetBucketVersioning": "aws.bucket.versioning",
            "s3:GetLifecycleConfiguration": "aws.bucket.lifecycle",
            "s3:GetBucketPolicy": "aws.bucket.tls_only",
        },
    ),
    *_rows(
        _V,
        Resource.ANYTHING,
        _EVERY,
        {
            "s3:GetAccountPublicAccessBlock": "aws.bucket.public_access",
            "access-analyzer:ValidatePolicy": "aws.*.policy, aws.role.trust, "
            "aws.scheduler.trust, aws.cluster.node_role_trust, aws.cluster.pod_identity: another "
            "opinion",
            "access-analyzer:CheckNoPublicAccess": "aws.bucket.public_access, aws.role.trust, "
            "aws.scheduler.trust, aws.cluster.node_role_trust, aws.cluster.pod_identity",
        },
    ),
    *_rows(
        _V,
        Resource.REPOSITORY,
        _REMOTE,
        {
            "ecr:DescribeRepositories": "aws.repository.*",
            "ecr:GetRepositoryPolicy": "aws.repository.policy, aws.cluster.node_role_pull",
            "ecr:GetLifecyclePolicy": "aws.repository.lifecycle",
        },
    ),
    *_rows(
        _V,
        Resource.ANYTHING,
        _REMOTE,
        {"ecr:GetRegistryScanningConfiguration": "aws.repository.scan_on_push"},
    ),
    *_rows(
        _V,
        Resource.CLUSTER,
        _EKS,
        {
            "eks:DescribeCluster": "aws.cluster.*",
            "eks:ListNodegroups": "aws.cluster.compute, aws.cluster.node_role_pull",
            "eks:ListFargateProfiles": "aws.cluster.compute, aws.cluster.node_role_pull",
            "eks:ListAddons": "aws.cluster.addons, aws.cluster.pod_identity",
            "eks:ListPodIdentityAssociations": "aws.cluster.pod_identity",
        },
    ),
    *_rows(
        _V,
        Resource.CLUSTER_PARTS,
        _EKS,
        {
            "eks:DescribeNodegroup": "aws.cluster.compute, aws.cluster.node_role_pull",
            "eks:DescribeFargateProfile": "aws.cluster.compute, aws.cluster.node_role_pull",
            "eks:DescribeAccessEntry": "aws.cluster.access_entry",
            "eks:DescribeAddon": "aws.cluster.addons, aws.cluster.pod_identity",
            "eks:DescribePodIdentityAssociation": "aws.cluster.pod_identity",
            "eks:ListAssociatedAccessPolicies": "aws.cluster.access_entry",
        },
    ),
    *_rows(
        _V,
        Resource.ANYTHING,
        _EKS,
        {
            "ec2:DescribeInstances": "aws.cluster.compute: nodes that EKS does not manage",
            "ec2:DescribeSubnets": "aws.cluster.subnets",
        },
    ),
    *_rows(
        _V,
        Resource.ROLES,
        _EVERY,
        {"iam:GetRole": "aws.role.*, aws.scheduler.*, aws.cluster.*: trusts; who looks"},
    ),
    *_rows(
        _V,
        Resource.PRINCIPALS,
        _EVERY,
        {
            "iam:SimulatePrincipalPolicy": "aws.role.*, aws.connector.*, aws.scheduler.*, "
            "aws.cluster.node_role_pull, aws.cluster.pod_identity"
        },
    ),
    # Where a simulation lacked the value of a condition key: whether the key matters at all.
    *_rows(_V, Resource.ANYTHING, _EVERY, dict.fromkeys(_READ_POLICIES, _HANGING)),
    *_rows(
        _V,
        Resource.ANYTHING,
        _EVERY,
        {
            "kms:DescribeKey": "aws.bucket.encryption, aws.repository.encryption",
            "kms:GetKeyPolicy": "aws.bucket.encryption: who may use the key",
            "kms:ListGrants": "aws.bucket.encryption: who may use the key beside its policy",
        },
    ),
    *_rows(
        _V,
        Resource.ANYTHING,
        _REMOTE,
        {"ecr:DescribeRepositoryCreationTemplates": "aws.repository.exists"},
    ),
    *_rows(
        _V,
        Resource.ANYTHING,
        _SAGEMAKER,
        {"servicequotas:ListServiceQuotas": "aws.quota.instances"},
    ),
    *_rows(
        _V,
        Resource.ANYTHING,
        _EKS,
        {
            "eks:DescribeClusterVersions": "aws.cluster.version",
            "iam:GetOpenIDConnectProvider": "aws.cluster.pod_identity: roles by annotation (IRSA)",
        },
    ),
)
