"""The remote examples of the stacks page, as printed there, and the resources they speak of."""

from __future__ import annotations

import shlex

from tests.doubles import LoopbackClouds

_EXAMPLES = {
    "kubernetes": r"""
kitaru stack create prod-k8s \
--type kubernetes \
--artifact-store s3://my-bucket/kitaru \
--container-registry 123456789012.dkr.ecr.eu-west-1.amazonaws.com \
--cluster prod-cluster \
--region eu-west-1
""",
    "vertex": r"""
kitaru stack create prod-vertex \
--type vertex \
--artifact-store gs://my-bucket/kitaru \
--container-registry us-central1-docker.pkg.dev/my-project/my-repo \
--region us-central1
""",
    "sagemaker": r"""
kitaru stack create prod-sagemaker \
--type sagemaker \
--artifact-store s3://my-bucket/kitaru \
--container-registry 123456789012.dkr.ecr.eu-west-1.amazonaws.com \
--region eu-west-1 \
--execution-role arn:aws:iam::123456789012:role/SageMakerExecutionRole
""",
    "azureml": r"""
kitaru stack create prod-azureml \
--type azureml \
--artifact-store az://my-container/kitaru \
--container-registry demo.azurecr.io/my-team/my-image \
--subscription-id 00000000-0000-0000-0000-000000000123 \
--resource-group ml-platform \
--workspace team-ml \
--region westeurope
""",
    "vertex-extra": r"""
kitaru stack create prod-vertex \
--type vertex \
--artifact-store gs://my-bucket/kitaru \
--container-registry us-central1-docker.pkg.dev/my-project/my-repo \
--region us-central1 \
--async \
--extra orchestrator.pipeline_root=gs://my-bucket/vertex-root
""",
    "vertex-synchronous": r"""
kitaru stack create prod-vertex \
--type vertex \
--artifact-store gs://my-bucket/kitaru \
--container-registry us-central1-docker.pkg.dev/my-project/my-repo \
--region us-central1 \
--async \
--extra orchestrator.synchronous=true
""",
}

YAML = """\
name: prod-vertex
type: vertex
artifact_store: gs://my-bucket/kitaru
container_registry: us-central1-docker.pkg.dev/my-project/my-repo
region: us-central1
async: true
extra:
  orchestrator:
    pipeline_root: gs://my-bucket/vertex-root
  container_registry:
    default_repository: agents
"""

#: The arguments after ``kitaru`` of each example.
EXAMPLES = {name: shlex.split(text.replace("\\\n", " "))[1:] for name, text in _EXAMPLES.items()}

#: What belongs to each example when the page's words stand in the way of nothing else.
MANAGED = {"kitaru.managed": "true"}


def seed(clouds: LoopbackClouds) -> None:
    """Make everything that the page's examples point at."""
    clouds.aws.bucket("my-bucket")
    clouds.aws.repository("zenml")
    clouds.aws.cluster("prod-cluster")
    clouds.gcp.bucket("my-bucket")
    clouds.gcp.repository("my-repo", location="us-central1")
    clouds.gcp.cluster("prod-cluster")
    clouds.azure.group("ml-platform")
    clouds.azure.storage_account("mlstorage", group="ml-platform")
    clouds.azure.container("mlstorage", "my-container", group="ml-platform")
    clouds.azure.registry("demo", group="ml-platform")
    clouds.azure.workspace("team-ml", group="ml-platform")
    clouds.azure.cluster("prod-cluster", group="ml-platform")
