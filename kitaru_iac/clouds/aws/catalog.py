"""Every check on AWS: id, title, what it is about. Data alone, for the checks and for the docs."""

from __future__ import annotations

from kitaru_iac.checks.model import CheckInfo, CheckStatus, catalog
from kitaru_iac.checks.pull_secrets import ABOUT

__all__ = ["CATALOG"]

_OK, _WARN, _FAIL, _UNKNOWN = CheckStatus
_S3 = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
_ECR = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/"
_EKS = "https://docs.aws.amazon.com/eks/latest/userguide/"
_IAM = "https://docs.aws.amazon.com/IAM/latest/UserGuide/"
_SAGEMAKER = "https://docs.aws.amazon.com/sagemaker/latest/dg/"
_REVIEW = (
    "https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access"
)
_CANNOT_WARN = frozenset({_OK, _FAIL, _UNKNOWN})
_CANNOT_FAIL = frozenset({_OK, _WARN, _UNKNOWN})

_CHECKS = (
    CheckInfo(
        "aws.credentials",
        "AWS accepts the credentials",
        "Asks STS who the description's credentials are (without any: this process's own). "
        "While this fails, nothing else can be looked at. Not looked at: when they expire.",
        "https://docs.aws.amazon.com/cli/latest/userguide/cli-chap-authentication.html",
    ),
    CheckInfo(
        "aws.account",
        "The credentials belong to the registry's account",
        "ZenML's AWS connector offers only the registry of the account that it belongs to. "
        "On SageMaker without a registry, the execution role's account counts. Unknown where the "
        "connector is another identity than the one that looks. Not looked at: the organization.",
        _ECR + "Registries.html",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "aws.bucket.exists",
        "The bucket exists and may be listed",
        "HeadBucket. 404 is absent; 403 is a bucket that exists and that we may not list, "
        "which says nothing about the connector, hence unknown. What lacks the request's id, which "
        "AWS gives with every answer, is no answer, here and in every other check: a proxy's page "
        "is unknown. A bucket with the name that provisioning gives the stack's has to be in the "
        "account that is part of the name (ExpectedBucketOwner, here and in every other check of "
        "it); any other bucket may be another account's, which is said. After "
        "`kitaru stack rename` it counts as any other: its name is the old stack's. Where the "
        "stack was provisioned, by the command or by a program's `ProvisionedStack`, and the "
        "bucket has another name, it has to be in an account that the stack names (by its roles, "
        "its key or its registry) or in the caller's, which every "
        "other check of it then expects; elsewhere all of them are unknown, unless `resources` "
        "says `bucket: existing`. Of a program that makes the infrastructure and the stack apart, "
        "nothing tells that. Not looked at: what it holds.",
        _S3 + "creating-bucket.html",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "aws.bucket.region",
        "The bucket is in the stack's region",
        "The region that S3 names in every answer. SageMaker refuses a bucket in another "
        "region; elsewhere it is slower and its traffic costs money. A bucket with the name "
        "that provisioning gives the stack's may be a stranger's where it may not be listed: that "
        "is unknown. Not looked at: replicas.",
        _S3 + "UsingBucket.html",
    ),
    CheckInfo(
        "aws.bucket.public_access",
        "The bucket cannot become public",
        "All four switches of the public access block, set on the bucket or on its account. Warns "
        "where the ACL grants something to another account, which they do not take back. "
        "Fails when the bucket policy or an ACL makes it public and no switch takes that back: who "
        "can write an artifact can run code where it is loaded. "
        "Not looked at: access points, ACLs of objects.",
        _S3 + "access-control-block-public-access.html",
    ),
    CheckInfo(
        "aws.bucket.encryption",
        "The bucket encrypts what it stores",
        "The default encryption. A KMS key is looked up whatever it is called, and its state: a "
        "disabled one, or one that is to be deleted, stops every run. Connector and runtime need "
        "it too: their checks then ask for the key's permissions, and here its own policy and its "
        "grants must let both in. AWS's own key of another account lets nobody in. "
        "Not looked at: objects that are there already.",
        _S3 + "bucket-encryption.html",
    ),
    CheckInfo(
        "aws.bucket.versioning",
        "The bucket keeps old versions",
        "Versioning brings back what was overwritten or deleted by mistake. "
        "Not looked at: MFA delete.",
        _S3 + "Versioning.html",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "aws.bucket.policy",
        "The bucket's policy lets the stack's identities in",
        "Evaluates the bucket policy for the connector and, on SageMaker, for the execution role: "
        "every action of the permissions table on the bucket and its objects, also those that "
        "SageMaker writes outside the store. A denial fails; of a part to which a run may come, it "
        "is unknown. In a bucket of another account, what it does not allow fails too. What hangs "
        "on a condition that nobody knows beforehand (a VPC endpoint, an address) is unknown. IAM "
        "Access Analyzer's ValidatePolicy is asked too, where we may; CheckNoPublicAccess, which "
        "costs a fraction of a cent, only where S3's own answer about the public was denied. Not "
        "looked at: a pod's own identity, policies of endpoints, sessions and the organization.",
        _S3 + "bucket-policies.html",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "aws.bucket.lifecycle",
        "No rule takes artifacts away",
        "The bucket's lifecycle rules that may meet the store's objects: those that delete current "
        "versions, and those that move them to a class that is not read at once (Glacier Flexible "
        "Retrieval, Deep Archive). Not looked at: archive tiers of Intelligent-Tiering, and rules "
        "by tag unless uploads are told what to say of themselves, since ZenML tags no object.",
        _S3 + "object-lifecycle-mgmt.html",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "aws.bucket.tls_only",
        "The bucket refuses unencrypted connections",
        "A statement of the bucket policy that denies everything without TLS. "
        "Not looked at: the version of TLS.",
        _S3 + "security-best-practices.html",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "aws.repository.exists",
        "The repository that images are pushed to exists",
        "ECR makes no repository by itself, unless a creation template of the registry covers its "
        "name. Looked at is the one that ZenML pushes to: `default_repository`, else `zenml`, not "
        "the host alone; and where it is absent, the templates. Not looked at: its images.",
        _ECR + "repository-create.html",
    ),
    CheckInfo(
        "aws.repository.policy",
        "The repository's policy lets the stack's identities in",
        "Evaluates the repository policy for the connector, which pushes, and on SageMaker for the "
        "execution role, which pulls. A denial fails; in a registry of another account, so does "
        "what it does not allow. IAM Access Analyzer's ValidatePolicy is asked too, where we may. "
        "The roles of a cluster's nodes have a check of their own, `aws.cluster.node_role_pull`. "
        "Not looked at: the registry's own policy.",
        _ECR + "repository-policies.html",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "aws.repository.encryption",
        "The repository's key works",
        "The repository's encryption. A KMS key is looked up with its state: with a disabled one, "
        "or one that is to be deleted, no image is pushed or pulled. ECR uses it by a grant of its "
        "own: nobody else needs the key. Its policy and that grant are not read.",
        _ECR + "encryption-at-rest.html",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "aws.repository.scan_on_push",
        "Images are scanned for vulnerabilities",
        "The repository's own setting, or a rule of the registry that covers it. "
        "Not looked at: what scans have found.",
        _ECR + "image-scanning.html",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "aws.repository.tag_mutability",
        "Tags of the repository can be pushed again",
        "ZenML pushes a pipeline's image under the same tag again when its content changed. "
        "Not looked at: which tags are there.",
        _ECR + "image-tag-mutability.html",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "aws.repository.lifecycle",
        "No rule takes images away that runs still use",
        "The repository's lifecycle policy. ZenML keeps an image by its digest, for schedules and "
        "builds that are used again: a rule by age deletes it, whoever uses it, and so does one "
        "that keeps few. Not looked at: which images are used.",
        _ECR + "LifecyclePolicies.html",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "aws.cluster.exists",
        "The EKS cluster exists",
        "DescribeCluster in the stack's region. Not looked at: clusters of other regions.",
        _EKS + "create-cluster.html",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "aws.cluster.active",
        "The EKS cluster is active",
        "Its status. An update leaves it usable; creating, deleting and failed do not. "
        "Not looked at: the control plane's logs.",
        _EKS + "clusters.html",
    ),
    CheckInfo(
        "aws.cluster.version",
        "EKS supports the cluster's Kubernetes version",
        "DescribeClusterVersions. Extended support costs more; after it EKS updates by itself. "
        "Not looked at: the versions of nodes.",
        _EKS + "kubernetes-versions.html",
    ),
    CheckInfo(
        "aws.cluster.namespace",
        "The namespace of the runs exists",
        "ZenML makes none. Asks the cluster itself, over its endpoint, with a token of the looking "
        "identity; where that one is not let in, it is unknown. One that is being deleted is "
        "a failure. `default` is in every cluster. Not looked at: its quotas.",
        "https://docs.aws.amazon.com/eks/latest/userguide/cluster-auth.html",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "aws.cluster.compute",
        "Something runs the cluster's pods",
        "Auto Mode with its general-purpose pool, node groups (operating system, architecture, "
        "taints and labels beside the description's pod settings, health, size), Fargate profiles "
        "for the namespace, or Linux instances tagged for the cluster (self-managed and "
        "Karpenter's) that are not all ARM; with a node selector, these are unknown. Where pods "
        "ask for extended resources, as `nvidia.com/gpu`, none of that is sure: device plugins "
        "stand in the cluster, and Fargate has none. Not looked at are the pods' affinity, and the "
        "cluster itself: hybrid nodes, other node pools, and whether nodes are ready and have "
        "room.",
        _EKS + "eks-compute.html",
    ),
    CheckInfo(
        "aws.cluster.subnets",
        "The subnets have addresses left",
        "DescribeSubnets, of those of the node groups and Fargate profiles, else of the cluster: "
        "whether they exist, and how many addresses they have left together. Not looked at: what "
        "the network plugin holds for pods, subnets of its own settings, routes and firewalls.",
        _EKS + "network-reqs.html",
    ),
    CheckInfo(
        "aws.cluster.addons",
        "The add-ons that pods need work",
        "The status and health of the managed vpc-cni, kube-proxy, coredns and "
        "eks-pod-identity-agent, where they are there. Auto Mode has them built in. Of the first "
        "three, one that EKS does not manage is looked for in `kube-system` of the cluster itself, "
        "as `aws-node`, `kube-proxy` or `coredns`: unknown where it is not there or may not be "
        "read. Not looked at: what else does their work, and other add-ons.",
        _EKS + "eks-add-ons.html",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "aws.cluster.pod_identity",
        "Pods can become the role that they are given",
        "The Pod Identity associations of the service accounts that ZenML uses: that the role is "
        "there and lets EKS assume it and tag the session, and nobody unnamed, that the agent is "
        "there, and, simulated by IAM, that the role may use the bucket. IAM Access Analyzer is "
        "asked about its trust too, as of aws.role.trust. The role counts for the code of steps "
        "alone: ZenML reaches the store with the connector's credentials. The accounts themselves "
        "are read from the cluster: one that is named and not there fails, and unknown is one that "
        "may not be read, and one that stands in a secret of ZenML. Where an account without an "
        "association names a role by an annotation (IRSA): that the role is there, that IAM has "
        "the cluster's issuer as an identity provider, that the role's trust lets the account's "
        "token in (`sub` and `aud`) and nobody unnamed, and its rights, as above; a role of "
        "another account is unknown. Of the orchestrator's, if it is named, the cluster is asked "
        "by access reviews whether it may make jobs and see pods, as ZenML's own may. A further "
        "role that pods take by way of theirs (a target role) makes it unknown too. Not looked at: "
        "accounts that the code of steps names by itself.",
        _EKS + "pod-identities.html",
    ),
    CheckInfo(
        "aws.cluster.authentication_mode",
        "The cluster takes access entries",
        "With the mode CONFIG_MAP, who may enter stands in a ConfigMap of the cluster alone. "
        "The change to access entries cannot be taken back. Not looked at: that ConfigMap.",
        _EKS + "grant-k8s-access.html",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "aws.cluster.access_entry",
        "The connector may enter the cluster",
        "The access entry of the identity, with or without the role's path, and what AWS's own "
        "access policies allow in the namespace. ZenML "
        "makes a service account and a role binding, which takes admin rights there, unless "
        "`extra.orchestrator.service_account_name` names one. "
        "Not looked at: roles within the cluster.",
        _EKS + "access-entries.html",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "aws.cluster.rights",
        "The connector may do in the namespace what ZenML does there",
        "Asks the cluster itself, by one access review for each verb that ZenML's Kubernetes "
        "orchestrator uses. Only where the looking identity is the connector: a cluster tells "
        "everybody their own rights alone. Without those for cron jobs, schedules fail: a warning. "
        "Without `bind` on the role `edit` it is unknown: who has all that the role allows can "
        "bind it too, which is not asked. Not looked at is what admission controllers of the "
        "cluster refuse.",
        _REVIEW,
    ),
    CheckInfo(
        "aws.cluster.endpoint",
        "The cluster's endpoint is not open to everybody",
        "The address ranges together, and whether a connection is taken from here. Not looked at "
        "is whether the ZenML server reaches it.",
        _EKS + "cluster-endpoint.html",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "aws.cluster.node_role_pull",
        "The nodes can pull the image",
        "Simulates the pull as the role of each node group, Auto Mode and Fargate profile; "
        "where simulation is not allowed, looks for AWS's managed pull policies, by their ARN, "
        "and that no permissions boundary limits them. Evaluates the repository's policy for each "
        "role, which within another account must allow it too. "
        "Not looked at: the way to ECR, self-managed nodes.",
        _EKS + "create-node-role.html",
        _CANNOT_WARN,
    ),
    CheckInfo("aws.cluster.pull_secret", *ABOUT, _CANNOT_WARN),
    CheckInfo(
        "aws.cluster.node_role_trust",
        "The nodes can assume their role",
        "Evaluates the trust policy of the role of each node group, Auto Mode and Fargate profile: "
        "whether EC2, or Fargate's pods, may assume it. Nodes that may not never join the cluster. "
        "Warns where it lets in whom it does not name. IAM Access Analyzer is asked too, as of "
        "aws.role.trust. Not looked at: self-managed nodes.",
        _EKS + "create-node-role.html",
    ),
    CheckInfo(
        "aws.role.exists",
        "The SageMaker execution role exists",
        "GetRole, and that its ARN is the described one. A role of another account than the "
        "registry's cannot be passed to SageMaker by the connector. "
        "Not looked at: whether it is used.",
        _SAGEMAKER + "sagemaker-roles.html",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "aws.role.trust",
        "SageMaker may assume the execution role",
        "Evaluates the trust policy: the service, its conditions, and denials. Warns where it lets "
        "in whom it does not name: anybody under a condition that everybody meets, or whoever has "
        "a token of an identity provider. IAM Access Analyzer's ValidatePolicy is asked too, where "
        "we may; CheckNoPublicAccess, which costs a fraction of a cent, only of a trust that is "
        "about everybody under a condition. Not looked at: policies of the organization.",
        _SAGEMAKER + "sagemaker-roles.html",
    ),
    CheckInfo(
        "aws.role.bucket_access",
        "Steps can read and write the bucket",
        "Simulates the object operations as the execution role, at the store's prefix, and those "
        "of the bucket's KMS key. AmazonSageMakerFullAccess alone gives them only on buckets whose "
        "name holds `sagemaker`. IAM simulates one name of many: the role's own policies are read "
        "to tell whether they deny, or alone grant, a part. Unknown where they may not be read, "
        "and for a store at another S3 endpoint. Not looked at here: the bucket's policy.",
        _SAGEMAKER + "sagemaker-roles.html",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "aws.role.repository_access",
        "Steps can pull their image",
        "Simulates the pull as the execution role, which on SageMaker pulls by itself. "
        "Not looked at here: the repository's policy.",
        _SAGEMAKER + "sagemaker-roles.html",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "aws.role.permissions",
        "Steps may do what else a run needs",
        "Simulates every other line of the permissions table for the execution role: SageMaker's "
        "jobs, passing itself on to them, logs and metrics. "
        "Not looked at: what a step's own code needs.",
        _SAGEMAKER + "sagemaker-roles.html",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "aws.role.pass",
        "The connector may pass the execution role",
        "Simulates iam:PassRole to SageMaker on this role, as the connector. Without it, "
        "registration succeeds and every run fails. `aws:RequestedRegion` is then the region of "
        "SageMaker's call, so that a lock to the stack's region lets it through, although it is a "
        "permission of IAM, whose own calls are in us-east-1. "
        "Not looked at: roles that single steps name.",
        _IAM + "id_roles_use_passrole.html",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "aws.scheduler.trust",
        "EventBridge Scheduler may assume the scheduler's role",
        "GetRole, and its trust policy, evaluated as that of the execution role, also by IAM "
        "Access Analyzer. Looked at where "
        "`extra.orchestrator.scheduler_role` names one; without it ZenML takes the connector's own "
        "role for schedules, which is not looked at.",
        "https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html",
    ),
    CheckInfo(
        "aws.scheduler.permissions",
        "The scheduler's role may start pipelines",
        "Simulates `sagemaker:StartPipelineExecution` as that role, on the stack's pipelines. "
        "Without it every schedule is taken, and none of its runs begins. "
        "Not looked at: schedules that are there.",
        "https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "aws.quota.instances",
        "SageMaker's quota lets steps run on their instances",
        "The applied quota of the account for the instances that `extra.orchestrator` asks for, "
        "else ZenML's own: training jobs on ml.m5.xlarge, processing jobs on ml.t3.medium. With a "
        "quota of none SageMaker refuses every step that asks for no other instance; with one, "
        "steps that run at the same time. Not looked at: settings of single steps, and what else "
        "uses the quota.",
        "https://docs.aws.amazon.com/general/latest/gr/sagemaker.html",
    ),
    CheckInfo(
        "aws.connector.permissions",
        "The connector may do what ZenML asks of it",
        "Simulates every line of the permissions table for the connector except PassRole, "
        "which has its own check, with what is known of the real call: time, region, accounts, "
        "TLS, the store's prefix, the service behind a KMS key. Of many things IAM simulates one: "
        "the identity's own policies are read for the others. Unknown where a decision hangs on a "
        "condition key that nobody knows beforehand, and where the identity is not told: an "
        "existing connector, or implicit credentials and profiles of a stack on a server, which "
        "are the server's. A role that is given (aws-role) is assumed by who checks; "
        "whether the server's own identity may assume it is said not to be seen. Not asked: "
        "policies of resources, sessions and endpoints.",
        _IAM + "access_policies_testing-policies.html",
        _CANNOT_WARN,
    ),
)

#: By id, in the order in which they are shown.
#: What a check looks at, and the key of stack.yaml that says which.
_KEYS = {
    "account": "credentials",
    "bucket": "artifact_store",
    "cluster": "cluster",
    "connector": "credentials",
    "credentials": "credentials",
    "repository": "container_registry",
    "quota": "extra",
    "role": "execution_role",
    "scheduler": "extra",
}

CATALOG = catalog(_CHECKS, _KEYS)
