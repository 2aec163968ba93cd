"""What a description says about how its infrastructure is made: the options of `infrastructure`.

The options are rows of one table, which the file, the command line, the JSON Schema and the
reference are made from. Each says on which clouds it has an effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from kitaru_iac.errors import Problem
from kitaru_iac.spec import infrastructure_values as values
from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.spec.refusal import Refusal, Refusals, shown
from kitaru_iac.spec.suggest import suggest
from kitaru_iac.values import dataclass, fields

__all__ = ["OPTIONS", "Infrastructure", "Option", "Shape", "checked_infrastructure", "from_words"]

_FLAG = "--infrastructure"


class Shape(StrEnum):
    """What the value of an option looks like."""

    TEXT = "text"
    NUMBER = "a whole number"
    SWITCH = "true or false"
    LIST = "a list"
    MAPPING = "a mapping"


@dataclass(frozen=True, slots=True)
class Option:
    """One option.

    Attributes:
        description: One or two sentences.
        shape: What its value looks like.
        parse: Gives the value back, as it is kept, or raises `Refusal` or `Refusals`.
        of: The resource that it is about; None: all that is made. An option of a resource that is
            not made has no effect, and is refused.
        example: A value that is right, as YAML writes it.
        schema: What the JSON Schema says of its value beside its kind.
        clouds: Where it has an effect; on other clouds it is refused.
    """

    description: str
    shape: Shape
    parse: Any
    of: str | None
    example: str
    schema: Mapping[str, Any]
    clouds: frozenset[Cloud] = frozenset({Cloud.AWS})


#: Where clusters are made in a network that is named or made.
_WITH_CLUSTERS = frozenset({Cloud.AWS, Cloud.GCP})
#: Where the nodes of a cluster are the user's choice.
_WITH_NODES = frozenset({Cloud.AWS, Cloud.AZURE})

OPTIONS: Mapping[str, Option] = {
    "permissions_boundary": Option(
        "The ARN of the permissions boundary that all roles get.",
        Shape.TEXT,
        values.policy_arn,
        None,
        example="arn:aws:iam::123456789012:policy/boundary",
        schema={"pattern": values.POLICY_ARN},
    ),
    "tags": Option(
        "Further tags of everything that can have some. Ours cannot be given.",
        Shape.MAPPING,
        values.tags,
        None,
        example="{team: ml}",
        schema={"additionalProperties": {"type": "string", "maxLength": 256}},
        clouds=frozenset(Cloud),
    ),
    "kms_key": Option(
        "The ARN of the KMS key that encrypts the bucket, made or existing; the roles may use it.",
        Shape.TEXT,
        values.key_arn,
        "bucket",
        example="arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        schema={"pattern": values.KEY_ARN},
    ),
    "keep_images": Option(
        "How many images stay in the repository, those pushed last. All, if left out: a schedule "
        "may run an old one.",
        Shape.NUMBER,
        values.at_least(1),
        "registry",
        example="500",
        schema={"minimum": 1},
        clouds=frozenset({Cloud.AWS, Cloud.GCP}),
    ),
    "keep_versions": Option(
        "How many days the bucket keeps what was overwritten or deleted; 30, if left out.",
        Shape.NUMBER,
        values.at_least(1),
        "bucket",
        example="30",
        schema={"minimum": 1},
        clouds=frozenset({Cloud.AWS, Cloud.GCP}),
    ),
    "keep_data": Option(
        "Whether the bucket is protected from deletion, and stays where it is if it goes from the "
        "description; true, if left out. On GCP so is the repository, on Azure the registry and a "
        "new resource group. What holds data is deleted only with `--delete-data` in any case.",
        Shape.SWITCH,
        values.switch,
        None,
        example="false",
        schema={},
        clouds=frozenset(Cloud),
    ),
    "subnets": Option(
        "The subnets of the cluster. On AWS their ids, in two zones or more; the default subnets "
        "of the region, if left out. On GCP one subnetwork, as "
        "`projects/PROJECT/regions/REGION/subnetworks/NAME`.",
        Shape.LIST,
        values.subnets,
        "cluster",
        example="[subnet-0123456789abcdef0, subnet-0123456789abcdef1]",
        schema={"items": {"type": "string", "pattern": values.SUBNETS}, "minItems": 1},
        clouds=_WITH_CLUSTERS,
    ),
    "network": Option(
        "`create` makes a network for the cluster: private subnets, and one way out (a NAT "
        "gateway, Cloud NAT), which costs money by the hour.",
        Shape.TEXT,
        values.network,
        "cluster",
        example="create",
        schema={"enum": ["create"]},
        clouds=_WITH_CLUSTERS,
    ),
    "endpoint_access": Option(
        "The networks that may reach the cluster's public endpoint, as CIDR blocks; none, for one "
        "that is reached from its own network alone. Has to be said for a new cluster.",
        Shape.LIST,
        values.networks,
        "cluster",
        example="[203.0.113.7/32]",
        schema={"items": {"type": "string", "pattern": values.NETWORK}},
        clouds=frozenset(Cloud),
    ),
    "dns_endpoint": Option(
        "Whether the cluster is reached by a name too, from everywhere, by whom IAM lets in; "
        "false, if left out. ZenML takes it before the address.",
        Shape.SWITCH,
        values.switch,
        "cluster",
        example="true",
        schema={},
        clouds=frozenset({Cloud.GCP}),
    ),
    "cluster_access": Option(
        "The ARNs of roles and users that may work in the cluster's namespace, as the identity of "
        "the stack's connector has to. Whoever makes the cluster is its administrator, and must "
        "not stand here.",
        Shape.LIST,
        values.principals,
        "cluster",
        example="[arn:aws:iam::123456789012:role/zenml-server]",
        schema={"items": {"type": "string", "pattern": values.PRINCIPAL}},
    ),
    "impersonators": Option(
        "Who else may become the service account that is made for the connector, as members of "
        "Google's IAM; the account whose key impersonates it may. With a workload identity they "
        "have to be said.",
        Shape.LIST,
        values.members,
        "connector",
        example="[serviceAccount:zenml@my-project.iam.gserviceaccount.com]",
        schema={"items": {"type": "string", "pattern": values.MEMBER}, "minItems": 1},
        clouds=frozenset({Cloud.GCP}),
    ),
    "log_retention": Option(
        "How many days the logs of the cluster's control plane stay; 90, if left out.",
        Shape.NUMBER,
        values.log_retention,
        "cluster",
        example="90",
        schema={"enum": list(values.RETENTIONS)},
    ),
    "deletion_protection": Option(
        "Whether the cluster cannot be deleted, also by us, until this is false again. AWS keeps "
        "everybody from it; on GCP Pulumi's provider does, and Google knows no such protection.",
        Shape.SWITCH,
        values.switch,
        "cluster",
        example="true",
        schema={},
        clouds=_WITH_CLUSTERS,
    ),
    "kubernetes_version": Option(
        "The cluster's Kubernetes version, in quotes. The newest that EKS offers, if left out.",
        Shape.TEXT,
        values.kubernetes_version,
        "cluster",
        example='"1.34"',
        schema={"pattern": values.KUBERNETES},
    ),
    "instance_type": Option(
        "The nodes of the cluster. On AWS an instance type; t3.large, if left out. On Azure a size "
        "of virtual machines, as `Standard_D8s_v5`; Standard_D4s_v5, if left out.",
        Shape.TEXT,
        values.instance_type,
        "cluster",
        example="m7i.xlarge",
        schema={"pattern": values.NODES},
        clouds=_WITH_NODES,
    ),
    "min_nodes": Option(
        "How many nodes there are at least; 1, if left out, and on Azure not less.",
        Shape.NUMBER,
        values.at_least(0),
        "cluster",
        example="1",
        schema={"minimum": 0},
        clouds=_WITH_NODES,
    ),
    "nodes": Option(
        "How many nodes there are to begin with; 2, if left out. On AWS nothing adds a first one "
        "by itself.",
        Shape.NUMBER,
        values.at_least(1),
        "cluster",
        example="2",
        schema={"minimum": 1},
        clouds=_WITH_NODES,
    ),
    "max_nodes": Option(
        "How many nodes there are at most; 3, if left out.",
        Shape.NUMBER,
        values.at_least(1),
        "cluster",
        example="3",
        schema={"minimum": 1},
        clouds=_WITH_NODES,
    ),
    "node_disk": Option(
        "The disk of each node, in GiB; 100, if left out. Images of flows are large.",
        Shape.NUMBER,
        values.at_least(20),
        "cluster",
        example="100",
        schema={"minimum": 20},
    ),
}


@dataclass(frozen=True, slots=True)
class Infrastructure:
    """The options that were given; None is left out. Their texts are in `OPTIONS`."""

    permissions_boundary: str | None = None
    tags: Mapping[str, str] | None = None
    kms_key: str | None = None
    keep_images: int | None = None
    keep_versions: int | None = None
    keep_data: bool | None = None
    subnets: tuple[str, ...] | None = None
    network: str | None = None
    endpoint_access: tuple[str, ...] | None = None
    dns_endpoint: bool | None = None
    cluster_access: tuple[str, ...] | None = None
    impersonators: tuple[str, ...] | None = None
    log_retention: int | None = None
    deletion_protection: bool | None = None
    kubernetes_version: str | None = None
    instance_type: str | None = None
    min_nodes: int | None = None
    nodes: int | None = None
    max_nodes: int | None = None
    node_disk: int | None = None

    @property
    def node_counts(self) -> tuple[int, int, int]:
        """How many nodes there are at least, to begin with, and at most."""
        first = self.nodes
        least = self.min_nodes
        if least is None:
            least = 1
        most = max(3, first or 0, least) if self.max_nodes is None else self.max_nodes
        return least, max(least, min(2, most)) if first is None else first, most

    def given(self) -> dict[str, Any]:
        """The options that were given, as YAML has them."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in found.items()
            if value is not None
        }


def checked_infrastructure(raw: object) -> tuple[Infrastructure, list[Problem]]:
    """The options of a mapping, and everything that is wrong with it."""
    if isinstance(raw, Infrastructure):
        raw = raw.given()
    if not isinstance(raw, Mapping):
        remedy = "Write `OPTION: VALUE` lines below it."
        what = "infrastructure has to be a mapping"
        return Infrastructure(), [Problem("infrastructure", what, remedy=remedy)]
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in raw.items():
        where = f"infrastructure.{name}" if name in OPTIONS else "infrastructure"
        if name not in OPTIONS:
            problems.append(_unknown(str(name)))
        elif value is not None:
            try:
                found[name] = _parsed(str(name), value)
            except Refusal as error:
                problems.append(Problem(where, error.what, error.why, error.remedy))
            except Refusals as several:
                problems += [
                    Problem(where + below, error.what, error.why, error.remedy)
                    for below, error in several.found
                ]
    return Infrastructure(**found), problems


def from_words(words: Sequence[str]) -> tuple[dict[str, Any], list[Problem]]:
    """The mapping that ``--infrastructure OPTION=VALUE`` stand for; later ones win.

    Elements of a list stand between commas. A tag is ``tags.NAME=VALUE``.
    """
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for word in words:
        name, sign, text = word.partition("=")
        option, _, below = name.strip().partition(".")
        known = OPTIONS.get(option)
        if known is None:
            problems.append(_unknown(option, _FLAG))
        elif not sign or bool(below) is not (known.shape is Shape.MAPPING):
            form = "tags.NAME" if known.shape is Shape.MAPPING else option
            remedy = f"Write `{_FLAG} {form}=VALUE`."
            what = f"{shown(name)} is not an option with a value"
            problems.append(Problem(f"infrastructure.{option}", what, remedy=remedy, source=_FLAG))
        elif below:
            found.setdefault(option, {})[below] = text
        elif known.shape is Shape.LIST:
            found[option] = [part.strip() for part in text.split(",") if part.strip()]
        else:
            found[option] = _word(known.shape, text.strip())
    return found, problems


def _word(shape: Shape, text: str) -> object:
    """A value of the command line; what does not fit stays text, and is refused as such."""
    if shape is Shape.NUMBER and text.isdecimal():
        return int(text)
    if shape is Shape.SWITCH and text in {"true", "false"}:
        return text == "true"
    return text


def _unknown(name: str, source: str | None = None) -> Problem:
    near = suggest(name, OPTIONS)
    return Problem(
        "infrastructure",
        f"{shown(name)} is not an option of infrastructure",
        None if near else f"they are {', '.join(OPTIONS)}",
        f"Did you mean `{near}`?" if near else None,
        source,
    )


def _parsed(name: str, value: object) -> object:
    option = OPTIONS[name]
    fits = {
        Shape.TEXT: isinstance(value, str),
        # A Pulumi program's numbers are floats.
        Shape.NUMBER: isinstance(value, int | float)
        and not isinstance(value, bool)
        and value == int(value),
        Shape.SWITCH: isinstance(value, bool),
        Shape.LIST: isinstance(value, list | tuple) and all(isinstance(v, str) for v in value),
        Shape.MAPPING: isinstance(value, Mapping),
    }[option.shape]
    if not fits:
        raise Refusal(
            f"{name} has to be {option.shape}"
            + (" of texts" if option.shape is Shape.LIST else ""),
            remedy=f"Write it as `{name}: {option.example}`.",
        )
    return option.parse(int(value) if isinstance(value, float) else value)
