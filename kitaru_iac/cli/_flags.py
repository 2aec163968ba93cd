"""The flags that describe a stack.

Written by scripts/generate from the table of fields; changes here are lost.
"""

# No `from __future__ import annotations`: typer would evaluate each annotation several times.
from typing import Annotated

import typer

from kitaru_iac.cli import completion

__all__ = ["flags"]


def flags(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="The stack's name. May stand in the file instead.",
            show_default=False,
        ),
    ] = None,
    file: Annotated[
        list[str] | None,
        typer.Option(
            "--file",
            "-f",
            metavar="FILE",
            help="A YAML file with the same keys; - reads it from stdin. Flags take precedence. "
            "Preview and apply take several, and folders of them.",
            autocompletion=completion.yaml_files,
        ),
    ] = None,
    type: Annotated[
        str | None,
        typer.Option(
            "--type",
            metavar="TYPE",
            help="local, kubernetes, vertex, sagemaker or azureml.",
            show_default="local",
            autocompletion=completion.stack_types,
        ),
    ] = None,
    artifact_store: Annotated[
        str | None,
        typer.Option(
            "--artifact-store",
            metavar="URI",
            help="Where data are stored: s3://BUCKET/PATH, gs://BUCKET/PATH, az://CONTAINER/PATH, "
            "or a local path.",
            rich_help_panel="Where it is",
        ),
    ] = None,
    container_registry: Annotated[
        str | None,
        typer.Option(
            "--container-registry",
            metavar="URI",
            help="Where images are pushed to: ECR, Artifact Registry, ACR or any other registry.",
            rich_help_panel="Where it is",
        ),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(
            "--region",
            metavar="REGION",
            help="The cloud's region or location.",
            rich_help_panel="Where it is",
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster",
            metavar="NAME",
            help="The Kubernetes cluster: EKS, GKE or AKS (type kubernetes).",
            rich_help_panel="Where it is",
        ),
    ] = None,
    namespace: Annotated[
        str | None,
        typer.Option(
            "--namespace",
            metavar="NAME",
            help="The Kubernetes namespace (type kubernetes).",
            show_default="default",
            rich_help_panel="Where it is",
        ),
    ] = None,
    execution_role: Annotated[
        str | None,
        typer.Option(
            "--execution-role",
            metavar="ARN",
            help="The IAM role of the runs (type sagemaker).",
            rich_help_panel="Where it is",
        ),
    ] = None,
    subscription_id: Annotated[
        str | None,
        typer.Option(
            "--subscription-id",
            metavar="UUID",
            help="The Azure subscription (azureml, AKS).",
            rich_help_panel="Where it is",
        ),
    ] = None,
    resource_group: Annotated[
        str | None,
        typer.Option(
            "--resource-group",
            metavar="NAME",
            help="The Azure resource group (azureml, AKS).",
            rich_help_panel="Where it is",
        ),
    ] = None,
    workspace: Annotated[
        str | None,
        typer.Option(
            "--workspace",
            metavar="NAME",
            help="The AzureML workspace (type azureml).",
            rich_help_panel="Where it is",
        ),
    ] = None,
    project: Annotated[
        str | None,
        typer.Option(
            "--project",
            metavar="ID",
            help="The Google Cloud project, where the registry does not name it.",
            rich_help_panel="Where it is",
        ),
    ] = None,
    credentials: Annotated[
        str | None,
        typer.Option(
            "--credentials",
            metavar="METHOD",
            help="How to reach the cloud, as aws-profile:NAME or gcp-service-account:FILE. Keep "
            "secrets off the command line with env:NAME, file:PATH or - (stdin).",
            show_default="implicit",
            rich_help_panel="Access",
        ),
    ] = None,
    connector: Annotated[
        str | None,
        typer.Option(
            "--connector",
            metavar="NAME",
            help="Use this existing service connector instead of a new one.",
            rich_help_panel="Access",
        ),
    ] = None,
    verify: Annotated[
        bool | None,
        typer.Option(
            "--verify/--no-verify",
            help="Whether the connector has to reach its resources before anything is written.",
            show_default="verify",
            rich_help_panel="Access",
        ),
    ] = None,
    async_: Annotated[
        bool | None,
        typer.Option(
            "--async",
            help="Do not wait for runs to end; short for --extra orchestrator.synchronous=false, "
            "which wins if both are given.",
            rich_help_panel="Defaults of runs",
        ),
    ] = None,
    extra: Annotated[
        list[str] | None,
        typer.Option(
            "--extra",
            metavar="TARGET.FIELD=VALUE",
            help="A field of the component behind it; TARGET is orchestrator, artifact_store or "
            "container_registry.",
            rich_help_panel="Defaults of runs",
        ),
    ] = None,
    infra: Annotated[
        str | None,
        typer.Option(
            "--infra",
            metavar="MODE",
            help="What to do about the infrastructure: none, verify or provision.",
            show_default="none",
            rich_help_panel="More",
            autocompletion=completion.infra_modes,
        ),
    ] = None,
    infrastructure: Annotated[
        list[str] | None,
        typer.Option(
            "--infrastructure",
            metavar="OPTION=VALUE",
            help="How what is provisioned is made, as nodes=3 or tags.team=ml; elements of a list "
            "stand between commas.",
            rich_help_panel="More",
        ),
    ] = None,
    activate: Annotated[
        bool | None,
        typer.Option(
            "--activate/--no-activate",
            help="Whether it becomes the active stack.",
            show_default="activate",
            rich_help_panel="More",
        ),
    ] = None,
    description: Annotated[
        str | None,
        typer.Option(
            "--description",
            metavar="TEXT",
            help="What is to be read about the stack in ZenML.",
            rich_help_panel="More",
        ),
    ] = None,
) -> None:
    """Only the parameters count."""
