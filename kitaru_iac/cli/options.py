"""The flags that describe a stack: the same for every command that takes a description."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from kitaru_iac.cli import completion

if TYPE_CHECKING:
    from kitaru_iac.spec import StackSpec

__all__ = ["Description", "ReportFormat", "StackRef", "described"]

WHERE = "Where it is"
ACCESS = "Access"
RUNS = "Defaults of runs"
MORE = "More"

#: An existing stack, by name or id.
StackRef = Annotated[
    str,
    typer.Argument(
        metavar="STACK",
        help="Its name, its id, or the beginning of its id.",
        autocompletion=completion.stack_names,
    ),
]


#: ``--output`` where a plan or a report is shown.
ReportFormat = Annotated[
    Literal["text", "json", "yaml", "markdown"],
    typer.Option(
        "--output",
        "-o",
        metavar="FORMAT",
        help="How to write the result: text, json, yaml or markdown.",
        rich_help_panel="Common",
    ),
]


@dataclass(frozen=True, slots=True)
class Description:
    """What the command line says about a stack.

    Attributes:
        flags: By the keys of stack.yaml; None is not given.
        file: The YAML file, or ``-`` for stdin.
        extra: The ``TARGET.FIELD=VALUE`` texts.
    """

    flags: dict[str, Any] = field(default_factory=dict)
    file: str | None = None
    extra: tuple[str, ...] = ()

    @property
    def given(self) -> list[str]:
        """The flags that were given, as written."""
        names = [
            f"--{key.replace('_', '-')}" for key, value in self.flags.items() if value is not None
        ]
        return names + (["--extra"] if self.extra else [])

    def load(self) -> StackSpec:
        """The validated description.

        Raises:
            DescriptionError: Everything that is wrong with it.
        """
        from kitaru_iac.machine.project import description_defaults
        from kitaru_iac.spec import load

        return load(self.flags, self.file, self.extra, description_defaults())


def _flags(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="The stack's name. May stand in the file instead.",
            show_default=False,
        ),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(
            "--file",
            "-f",
            metavar="FILE",
            help="A YAML file with the same keys; - reads it from stdin. Flags take precedence.",
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
            metavar="URI",
            help="Where data are stored: s3://BUCKET/PATH, gs://BUCKET/PATH, az://CONTAINER/PATH, "
            "or a local path.",
            rich_help_panel=WHERE,
        ),
    ] = None,
    container_registry: Annotated[
        str | None,
        typer.Option(
            metavar="URI",
            help="Where images are pushed to: ECR, Artifact Registry, ACR or any other registry.",
            rich_help_panel=WHERE,
        ),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(
            metavar="REGION", help="The cloud's region or location.", rich_help_panel=WHERE
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The Kubernetes cluster: EKS, GKE or AKS (type kubernetes).",
            rich_help_panel=WHERE,
        ),
    ] = None,
    namespace: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The Kubernetes namespace (type kubernetes).",
            show_default="default",
            rich_help_panel=WHERE,
        ),
    ] = None,
    execution_role: Annotated[
        str | None,
        typer.Option(
            metavar="ARN", help="The IAM role of the runs (type sagemaker).", rich_help_panel=WHERE
        ),
    ] = None,
    subscription_id: Annotated[
        str | None,
        typer.Option(
            metavar="UUID", help="The Azure subscription (azureml, AKS).", rich_help_panel=WHERE
        ),
    ] = None,
    resource_group: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The Azure resource group (azureml, AKS).", rich_help_panel=WHERE
        ),
    ] = None,
    workspace: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The AzureML workspace (type azureml).", rich_help_panel=WHERE
        ),
    ] = None,
    project: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="The Google Cloud project, where the registry does not name it.",
            rich_help_panel=WHERE,
        ),
    ] = None,
    credentials: Annotated[
        str | None,
        typer.Option(
            metavar="METHOD",
            help="How to reach the cloud, as aws-profile:NAME or gcp-service-account:FILE. Keep "
            "secrets off the command line with env:NAME, file:PATH or - (stdin).",
            show_default="implicit",
            rich_help_panel=ACCESS,
        ),
    ] = None,
    connector: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Use this existing service connector instead of a new one.",
            rich_help_panel=ACCESS,
        ),
    ] = None,
    verify: Annotated[
        bool | None,
        typer.Option(
            "--verify/--no-verify",
            help="Whether the connector has to reach its resources before anything is written.",
            show_default="verify",
            rich_help_panel=ACCESS,
        ),
    ] = None,
    async_: Annotated[
        bool | None,
        typer.Option(
            "--async",
            help="Do not wait for runs to end; short for "
            "--extra orchestrator.synchronous=false, which wins if both are given.",
            rich_help_panel=RUNS,
        ),
    ] = None,
    extra: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TARGET.FIELD=VALUE",
            help="A field of the component behind it; TARGET is orchestrator, artifact_store or "
            "container_registry.",
            rich_help_panel=RUNS,
        ),
    ] = None,
    infra: Annotated[
        str | None,
        typer.Option(
            metavar="MODE",
            help="What to do about the infrastructure: none, verify or provision.",
            show_default="none",
            rich_help_panel=MORE,
            autocompletion=completion.infra_modes,
        ),
    ] = None,
    activate: Annotated[
        bool | None,
        typer.Option(
            "--activate/--no-activate",
            help="Whether it becomes the active stack.",
            show_default="activate",
            rich_help_panel=MORE,
        ),
    ] = None,
) -> None:
    """Only the signature counts."""


def described(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command all the flags that describe a stack; it gets them as its first argument."""
    template = inspect.signature(_flags, eval_str=True).parameters
    own = inspect.signature(function, eval_str=True).parameters
    _description, *rest = own

    def command(**given: Any) -> Any:
        mine = {key: given.pop(key) for key in rest}
        file, extra = given.pop("file"), given.pop("extra")
        given["async"] = given.pop("async_")
        return function(Description(given, file, tuple(extra or ())), **mine)

    parameters = [*template.values(), *(own[key] for key in rest)]
    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    command.__doc__ = function.__doc__
    command.__name__ = function.__name__
    return command
