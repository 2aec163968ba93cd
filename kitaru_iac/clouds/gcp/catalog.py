"""Every check on Google Cloud: id, title, what it is about. Data alone, for checks and docs."""

from __future__ import annotations

from kitaru_iac.checks.model import CheckInfo, CheckStatus, catalog
from kitaru_iac.checks.pull_secrets import ABOUT

__all__ = ["CATALOG"]

_OK, _WARN, _FAIL, _UNKNOWN = CheckStatus
_DOCS = "https://cloud.google.com/"
_GCS = _DOCS + "storage/docs/"
_GAR = _DOCS + "artifact-registry/docs/"
_GKE = _DOCS + "kubernetes-engine/docs/"
_IAM = _DOCS + "iam/docs/"
_VERTEX = _DOCS + "vertex-ai/docs/"
_REVIEW = (
    "https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access"
)
_CANNOT_WARN = frozenset({_OK, _FAIL, _UNKNOWN})
_CANNOT_FAIL = frozenset({_OK, _WARN, _UNKNOWN})
_OK_OR_UNKNOWN = frozenset({_OK, _UNKNOWN})

_CHECKS = (
    CheckInfo(
        "gcp.credentials",
        "Google accepts the credentials",
        "Asks for an access token with the description's credentials (without any: the application "
        "default ones). While this fails, nothing else can be looked at.",
        _DOCS + "docs/authentication/application-default-credentials",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "gcp.project",
        "The project is there and active",
        "Reads the project; its number names service agents and principals. Google answers 403 for "
        "a project that does not exist, too: that is unknown.",
        _DOCS + "resource-manager/docs/creating-managing-projects",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "gcp.services",
        "The APIs that the stack needs are enabled",
        "Asks Service Usage for the APIs of this type of stack. Not for the one that impersonates, "
        "which may count in another project: `gcp.credentials` tells whether it gives a token. An "
        "API that was just enabled takes minutes until every call knows it.",
        _DOCS + "service-usage/docs/enable-disable",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "gcp.bucket.exists",
        "The bucket exists",
        "Reads the bucket. Google answers 403 both for what may not be read and for what another "
        "project has; then a test of permissions, which everybody may make, is a second opinion: "
        "404 is absent, and some permission is a bucket that can be used.",
        _GCS + "creating-buckets",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "gcp.bucket.project",
        "The bucket is in the stack's project",
        "Compares the bucket's project number with the project's. Names of buckets are taken "
        "worldwide: one of another project may be a stranger's.",
        _GCS + "buckets",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "gcp.bucket.requester_pays",
        "The bucket's own project pays for what is asked of it",
        "Where the requester pays, Google answers only who names a project for that, which ZenML "
        "does not, or who may bill the bucket's project. It fails where the connector itself is "
        "not answered; whether others may bill it is not seen: unknown.",
        _GCS + "requester-pays",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "gcp.bucket.region",
        "The bucket is where the stack runs",
        "Its location: the stack's region, or a dual- or multi-region that holds it. Vertex needs "
        "that; elsewhere another region is slower and its traffic costs money.",
        _GCS + "locations",
    ),
    CheckInfo(
        "gcp.bucket.public_access",
        "The bucket cannot become public",
        "Public access prevention. Where it is not enforced on the bucket, its IAM policy is read: "
        "a grant to everybody fails, since who can write an artifact can run code where it is "
        "loaded. The organization's own prevention is not seen.",
        _GCS + "public-access-prevention",
    ),
    CheckInfo(
        "gcp.bucket.uniform_access",
        "IAM alone decides who may use the bucket",
        "Uniform bucket-level access. Without it, lists on single objects count too, and Workload "
        "Identity principals are not let in.",
        _GCS + "uniform-bucket-level-access",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "gcp.bucket.encryption",
        "The bucket's key works",
        "Cloud Storage encrypts everything. A key of Cloud KMS is looked up: one that is disabled, "
        "or to be destroyed, stops every run. Not looked at is whether the storage service "
        "agent may use it.",
        _GCS + "encryption/customer-managed-keys",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "gcp.bucket.versioning",
        "What was overwritten or deleted can be brought back",
        "Versioning or soft delete.",
        _GCS + "soft-delete",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "gcp.repository.exists",
        "The repository that images are pushed to exists",
        "Reads the repository that the URI names, in the URI's own project and location. A gcr.io "
        "address stands for a repository of Artifact Registry too; ZenML itself does not look "
        "for it.",
        _GAR + "repositories/create-repos",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "gcp.repository.format",
        "The repository takes pushes of images",
        "Its format is Docker and its mode standard: remote and virtual repositories take none.",
        _GAR + "repositories",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "gcp.repository.tag_mutability",
        "Tags of the repository can be pushed again",
        "ZenML pushes a pipeline's image under the same tag again when its content changed.",
        _GAR + "docker/names",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "gcp.repository.cleanup",
        "No clean-up policy deletes images that runs may need",
        "ZenML remembers an image by its digest: a schedule or a reused build may still run one "
        "that is old and has no tag.",
        _GAR + "repositories/cleanup-policy",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "gcp.repository.encryption",
        "The repository's key works",
        "As `gcp.bucket.encryption`: a key of Cloud KMS that is disabled, or to be destroyed, "
        "stops every push and pull. Not looked at is whether the service agent of Artifact "
        "Registry may use it.",
        _GAR + "cmek",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "gcp.repository.scanning",
        "Images are scanned for vulnerabilities",
        "The state that Artifact Registry tells: it needs the Container Scanning API.",
        _DOCS + "artifact-analysis/docs/os-scanning-automatically",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "gcp.vertex.region",
        "Vertex AI is in the stack's region",
        "Vertex's own list of regions, asked once.",
        _VERTEX + "general/locations",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "gcp.vertex.pull",
        "Vertex's service agents can pull the image",
        "Both agents of the project that runs Vertex, by the policies of the repository and of its "
        "project. Google makes them when Vertex is first used, so a new project has none yet: a "
        "warning where neither policy names one. A grant by a folder, the organization or a group "
        "is not seen: unknown.",
        _IAM + "service-agents",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "gcp.workload.exists",
        "Steps have a service account of their own",
        "`extra.orchestrator.workload_service_account`: named, there, and enabled. Without one, "
        "Vertex runs steps as the project's Compute account, or one that cannot get tokens.",
        _VERTEX + "general/custom-service-account",
    ),
    CheckInfo(
        "gcp.workload.trust",
        "Nobody unnamed may become the workload's service account",
        "Its own IAM policy: fails where everybody may, warns where a whole workload identity pool "
        "may. What a custom role holds is not looked at.",
        _IAM + "service-account-permissions",
    ),
    CheckInfo(
        "gcp.workload.bucket_access",
        "Steps can read and write the bucket",
        "The permissions table for the workload's service account, by the policies of "
        "the bucket and its project: a grant by a folder, the organization or a group is not seen, "
        "hence unknown. Where the credentials are that account, Google's own test is asked, which "
        "alone can say no. Of pods on GKE, see `gcp.cluster.pod_identity`.",
        _GCS + "access-control/iam-permissions",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "gcp.workload.project_access",
        "A run can start its steps and write their logs",
        "As `gcp.workload.bucket_access`, in the project: as the workload's service account Vertex "
        "starts the steps of a run, and writes their logs.",
        _VERTEX + "general/custom-service-account",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "gcp.cluster.exists",
        "The GKE cluster exists",
        "Lists the project's clusters in all locations, as ZenML's connector does. It takes the "
        "last of a name, so two of one name are a warning.",
        _GKE + "concepts/types-of-clusters",
    ),
    CheckInfo(
        "gcp.cluster.region",
        "The GKE cluster is in the stack's region",
        "Its location: the region, or a zone of it.",
        _GKE + "concepts/regional-clusters",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "gcp.cluster.active",
        "The GKE cluster is running",
        "Its status. An update leaves it usable; stopping, error and degraded do not.",
        _GKE + "troubleshooting",
    ),
    CheckInfo(
        "gcp.cluster.version",
        "GKE supports the cluster's version of Kubernetes",
        "The control plane's minor version against those that GKE offers in the cluster's "
        "location: extended support costs more, and what is older than all that are offered is "
        "supported no more.",
        _DOCS + "kubernetes-engine/versioning",
    ),
    CheckInfo(
        "gcp.cluster.compute",
        "Something runs the cluster's pods",
        "Autopilot, node auto-provisioning, or a node pool that takes the orchestrator's pod and "
        "the steps': Linux, with nodes or growing, in a state that keeps them, with the labels "
        "that `extra.orchestrator` asks for, and no taint that its tolerations leave out. ARM "
        "alone, or trouble that GKE tells of, is a warning. Of extended resources GKE tells which "
        "pools have `nvidia.com/gpu`; others are unknown. Not looked at: the pods' affinity, "
        "whether nodes are ready and have room, quotas, and limits of auto-provisioning.",
        _GKE + "concepts/node-pools",
    ),
    CheckInfo(
        "gcp.cluster.node_scopes",
        "The nodes' access scopes let them pull",
        "The scopes of every node pool, and of the nodes that auto-provisioning makes, hold "
        "cloud-platform or devstorage.read_only: else pulls fail whatever IAM says. Autopilot's "
        "are right.",
        _GKE + "how-to/access-scopes",
    ),
    CheckInfo(
        "gcp.cluster.pull",
        "The nodes can pull the image",
        "The nodes' service account (`default` is the project's Compute account), by the policies "
        "of the repository and of its project. Nodes that auto-provisioning makes count, too. A "
        "grant by a folder, the organization or a group is not seen: unknown.",
        _GKE + "how-to/service-accounts",
        _OK_OR_UNKNOWN,
    ),
    CheckInfo("gcp.cluster.pull_secret", *ABOUT, _CANNOT_WARN),
    CheckInfo(
        "gcp.cluster.workload_identity",
        "Pods can have an identity of their own",
        "Workload Identity on the cluster and its metadata server on every node pool; without, "
        "pods are the nodes' account. Autopilot always has it.",
        _GKE + "how-to/workload-identity",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "gcp.cluster.pod_identity",
        "Pods reach the bucket as themselves",
        "A grant on the bucket to the pods' principal, which counts with uniform bucket-level "
        "access alone; or, where an annotation of their service "
        "account names one of Google's, that this one lets them in and may use the bucket: GKE "
        "hands out its tokens then. Neither is a warning: it counts for the code of steps alone, "
        "since ZenML reaches the store with the connector's credentials. Both service accounts "
        "that ZenML takes are looked at: the orchestrator's pod runs as `service_account_name`, "
        "else `zenml-service-account`; those of the steps as `step_pod_service_account_name`, else "
        "`service_account_name`, else `default`. One that is named has to exist, and the "
        "orchestrator's, by the cluster's own access reviews, to be allowed to make jobs and see "
        "pods, as ZenML's own is: unknown where either may not be looked at.",
        _GKE + "concepts/workload-identity",
    ),
    CheckInfo(
        "gcp.cluster.namespace",
        "The namespace of the runs exists",
        "ZenML makes none. Asks the cluster itself, at the endpoint that ZenML takes; where the "
        "credentials are not let in, it is unknown. One that is being deleted is a failure. "
        "`default` is in every cluster.",
        _GKE + "how-to/api-server-authentication",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "gcp.cluster.rights",
        "The connector may do in the namespace what ZenML does there",
        "Asks the cluster, where RBAC and IAM decide together, by one access review for each "
        "verb that ZenML's Kubernetes orchestrator uses. Only where the looking identity is the "
        "connector: a cluster tells everybody their own rights alone. Without those for cron jobs, "
        "schedules fail: a warning. Without `bind` on the role `edit` it is unknown: who has all "
        "that the role allows can bind it too, which is not asked.",
        _REVIEW,
    ),
    CheckInfo(
        "gcp.cluster.endpoint",
        "The cluster's endpoint is not open to everybody",
        "Authorized networks, and whether all of Google Cloud's public addresses are let in beside "
        "them; a private endpoint, or the DNS endpoint, which IAM guards, beside which the IP "
        "endpoint may be open; and whether a connection is taken from here. Not looked at is "
        "whether the ZenML server reaches it.",
        _GKE + "concepts/network-isolation",
        _CANNOT_FAIL,
    ),
    CheckInfo(
        "gcp.connector.trust",
        "Nobody unnamed may become the connector's service account",
        "Its own IAM policy: fails where everybody may, warns where a whole workload identity pool "
        "may. With workload identity federation the pool has to be in it. What a custom role holds "
        "is not looked at.",
        _IAM + "workload-identity-federation",
    ),
    CheckInfo(
        "gcp.connector.bucket",
        "The connector may use the bucket",
        "Google's own test of every line of the permissions table, with the connector's "
        "credentials. Where the connector is told as another identity, policies are read instead, "
        "which cannot prove a no. Unknown where nobody tells who it is: an existing connector, or "
        "implicit credentials of a stack on a server.",
        _GCS + "access-control/iam-permissions",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "gcp.connector.repository",
        "The connector may push and pull images",
        "As `gcp.connector.bucket`, on the repository.",
        _GAR + "access-control",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "gcp.connector.vertex",
        "The connector may submit runs to Vertex",
        "As `gcp.connector.bucket`, in the project.",
        _VERTEX + "general/access-control",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "gcp.connector.act_as",
        "The connector may hand over the workload's service account",
        "As `gcp.connector.bucket`, on that account. Without it, registration succeeds and every "
        "run fails.",
        _IAM + "service-account-permissions",
        _CANNOT_WARN,
    ),
    CheckInfo(
        "gcp.connector.cluster",
        "The connector may find the cluster",
        "As `gcp.connector.bucket`, in the project; `container.clusters.connect` is needed where "
        "the cluster's DNS endpoint is on. What it may do inside the cluster, "
        "`gcp.cluster.rights` asks.",
        _GKE + "how-to/iam",
        _CANNOT_WARN,
    ),
)

#: By id, in the order in which they are shown.
#: What a check looks at, and the key of stack.yaml that says which.
_KEYS = {
    "bucket": "artifact_store",
    "cluster": "cluster",
    "connector": "credentials",
    "credentials": "credentials",
    "project": "project",
    "repository": "container_registry",
    "services": "project",
    "vertex": "region",
    "workload": "extra",
}

CATALOG = catalog(_CHECKS, _KEYS)
