"""The rules of single names: of stacks, buckets, repositories, clusters, roles.

Each function gives the name back, or raises :class:`Refusal`. Where ZenML's connectors are narrower
than the cloud, ZenML's rule counts: a name that it refuses makes no stack.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from kitaru_iac import redaction
from kitaru_iac.patterns import compiled
from kitaru_iac.spec.refusal import Refusal, shown
from kitaru_iac.values import dataclass

__all__ = [
    "PATTERNS",
    "RoleArn",
    "aks_cluster",
    "azure_container",
    "connector_name",
    "eks_cluster",
    "gcp_project",
    "gcs_bucket",
    "gke_cluster",
    "namespace",
    "parse_role_arn",
    "resource_group",
    "s3_bucket",
    "stack_name",
    "storage_account",
    "subscription_id",
    "workspace",
]

#: The whole value of a key, as a regular expression that Python and JavaScript read alike.
PATTERNS: Mapping[str, str] = {
    "name": r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?",
    "cluster": r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}",
    "namespace": r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?",
    "project": r"[a-z][a-z0-9-]{4,28}[a-z0-9]",
    "execution_role": r"arn:aws(?:-[a-z]+)*:iam::[0-9]{12}:role/(?:[!-~]{1,510}/)?[\w+=,.@-]{1,64}",
    "subscription_id": r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "resource_group": r"[A-Za-z0-9_.()-]{0,89}[A-Za-z0-9_()-]",
    "workspace": r"[A-Za-z0-9][A-Za-z0-9_-]{2,32}",
}
_STACK = compiled(PATTERNS["name"])
_UUID = compiled(PATTERNS["subscription_id"])
_IP_ADDRESS = compiled(r"[0-9]+(?:\.[0-9]+){3}")
_LABEL = compiled(PATTERNS["namespace"])
#: As `records.names` calls what is set aside, or not there yet.
_PASSING = compiled(r".+-(?:replaced|new-[0-9a-f]{8})")


def stack_name(name: str) -> str:
    """A stack's name, which is also that of its components, its connector and its deployment.

    ZenML takes any text of 255 characters without tabs and line ends; Pulumi's stack names are the
    narrowest: letters, digits, ``-``, ``_`` and ``.``, at most 100
    (https://www.pulumi.com/docs/iac/concepts/stacks/). A UUID would hide a stack of that id, and
    ``default`` is ZenML's own; a server on MySQL does not tell upper from lower case.
    """
    if name.casefold() == "default":
        raise Refusal(
            f"the name {shown(name)} is reserved",
            why="ZenML's own stack has it",
            remedy="Choose another name, as `dev`.",
        )
    _length(name, 100, "the name", "Pulumi takes at most 100 characters")
    if not _STACK.fullmatch(name):
        better = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")
        raise Refusal(
            f"{shown(name)} cannot be the name of a stack",
            why="a name has letters, digits, `-`, `_` and `.`, "
            "and starts and ends with a letter or digit",
            remedy=_instead(name, better) if _STACK.fullmatch(better) else None,
        )
    if _PASSING.fullmatch(name):
        raise Refusal(
            f"the name {shown(name)} is reserved",
            why="parts of a stack are called so while it is changed",
            remedy="Choose a name that does not end in `-replaced` or `-new-` and eight digits.",
        )
    if _UUID.fullmatch(name):
        raise Refusal(
            f"the name {shown(name)} looks like an id",
            why="stacks are found by name or id",
            remedy="Choose a name that is not a UUID.",
        )
    return name


def connector_name(name: str) -> str:
    """The name or id of an existing service connector: whatever ZenML takes as a name.

    Source: ``validate_name`` and ``STR_FIELD_MAX_LENGTH`` of ZenML 0.98.
    """
    _length(name, 255, "the connector's name", "ZenML takes at most 255 characters")
    if not name.isprintable():
        raise Refusal(f"{shown(name)} cannot be the name of a connector")
    return name


def s3_bucket(name: str) -> str:
    """An S3 bucket.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html.
    """
    rule = "3 to 63 lower-case letters, digits, `-` and `.`, a letter or digit at both ends"
    _shape(name, r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "an S3 bucket", rule)
    if ".." in name or _IP_ADDRESS.fullmatch(name):
        raise Refusal(
            f"{shown(name)} cannot be an S3 bucket", why="it holds `..` or is an IP address"
        )
    prefixes = ("xn--", "sthree-", "amzn-s3-demo-")
    suffixes = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
    for part in prefixes:
        if name.startswith(part):
            raise Refusal(f"{shown(name)} cannot be an S3 bucket", why=f"AWS reserves `{part}…`")
    for part in suffixes:
        if name.endswith(part):
            raise Refusal(f"{shown(name)} cannot be an S3 bucket", why=f"AWS reserves `…{part}`")
    return name


def gcs_bucket(name: str) -> str:
    """A Google Cloud Storage bucket.

    Sources: https://cloud.google.com/storage/docs/buckets#naming; ZenML 0.98's GCP connector
    (``_parse_gcs_resource_id``) takes no bucket with a dot, though the cloud does.
    """
    rule = "3 to 63 lower-case letters, digits, `-` and `_`, a letter or digit at both ends"
    if "." in name and re.fullmatch(r"[a-z0-9][a-z0-9._-]*[a-z0-9]", name):
        raise Refusal(
            f"the bucket {shown(name)} has a dot in its name",
            why="ZenML's GCP connector refuses such buckets",
            remedy="Use a bucket without dots.",
        )
    _shape(name, r"[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]", "a GCS bucket", rule)
    if name.startswith("goog") or "google" in name:
        raise Refusal(
            f"{shown(name)} cannot be a GCS bucket",
            why="Google reserves names that start with `goog` or hold `google`",
        )
    return name


def azure_container(name: str) -> str:
    """A container of Azure Blob Storage.

    Source: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules,
    the table Microsoft.Storage.
    """
    rule = "3 to 63 lower-case letters, digits and single `-`, a letter or digit at both ends"
    return _shape(name, r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", "an Azure blob container", rule)


def storage_account(name: str) -> str:
    """An Azure storage account: 3 to 24 lower-case letters and digits (same source)."""
    rule = "3 to 24 lower-case letters and digits"
    return _shape(name, r"[a-z0-9]{3,24}", "an Azure storage account", rule)


def gcp_project(name: str) -> str:
    """A GCP project id.

    Source: https://cloud.google.com/resource-manager/docs/creating-managing-projects. A project
    under a domain (``example.com:project``) is refused by ZenML's GCP connector.
    """
    if name.isdigit():
        raise Refusal(
            f"{shown(name)} is a project's number, not its id",
            remedy="Write the id, as `my-project`; `gcloud projects list` shows both.",
        )
    rule = "6 to 30 lower-case letters, digits and `-`, a letter first, no `-` last"
    return _shape(name, PATTERNS["project"], "the id of a GCP project", rule)


def eks_cluster(name: str) -> str:
    """An EKS cluster.

    Source: https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html, `name`.
    """
    if name.startswith("arn:"):
        raise Refusal(
            "the cluster is given as an ARN",
            remedy=f"Write its name, {shown(name.rpartition('/')[2])}.",
        )
    rule = "at most 100 letters, digits, `-` and `_`, a letter or digit first"
    return _shape(name, PATTERNS["cluster"], "an EKS cluster", rule)


def gke_cluster(name: str) -> str:
    """A GKE cluster.

    Source: https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters.
    """
    rule = "at most 40 lower-case letters, digits and `-`, a letter first, no `-` last"
    return _shape(name, r"[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?", "a GKE cluster", rule)


def aks_cluster(name: str) -> str:
    """An AKS cluster.

    Sources: the resource name rules of Azure, table Microsoft.ContainerService; ZenML 0.98
    (``_parse_aks_resource_id``) wants two characters at least. It reads ``GROUP/CLUSTER`` too; here
    the group has a key of its own.
    """
    if "/" in name:
        raise Refusal(
            f"the cluster {shown(name)} holds a `/`",
            remedy=f"Write {shown(name.rpartition('/')[2])}, and the group as resource_group.",
        )
    rule = "2 to 63 letters, digits, `-` and `_`, a letter or digit at both ends"
    return _shape(name, r"[A-Za-z0-9][A-Za-z0-9_-]{0,61}[A-Za-z0-9]", "an AKS cluster", rule)


def namespace(name: str) -> str:
    """A Kubernetes namespace: an RFC 1123 label.

    Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/.
    """
    if not _LABEL.fullmatch(name):
        better = re.sub(r"[^a-z0-9-]+", "-", name.casefold()).strip("-")[:63]
        raise Refusal(
            f"{shown(name)} cannot be a Kubernetes namespace",
            why="at most 63 lower-case letters, digits and `-`, a letter or digit at both ends",
            remedy=_instead(name, better) if _LABEL.fullmatch(better) else None,
        )
    return name


def subscription_id(text: str) -> str:
    """An Azure subscription: a UUID, given back in lower case."""
    if not _UUID.fullmatch(text):
        raise Refusal(
            f"{shown(text)} is not the id of an Azure subscription",
            why="it is a UUID of 36 characters",
            remedy="`az account list --output table` shows it.",
        )
    from uuid import UUID

    return str(UUID(text))


def resource_group(name: str) -> str:
    """An Azure resource group.

    Sources: the resource name rules of Azure, table Microsoft.Resources; ZenML 0.98 reads ASCII.
    """
    if name.startswith("/subscriptions/"):
        raise Refusal("the resource group is given as a resource id", remedy="Write its name.")
    rule = "at most 90 letters, digits, `-`, `_`, `.`, `(` and `)`, no `.` last"
    return _shape(name, PATTERNS["resource_group"], "an Azure resource group", rule)


def workspace(name: str) -> str:
    """An Azure Machine Learning workspace.

    Source: the resource name rules of Azure, table Microsoft.MachineLearningServices.
    """
    if name.startswith("/subscriptions/"):
        raise Refusal("the workspace is given as a resource id", remedy="Write its name.")
    rule = "3 to 33 letters, digits, `-` and `_`, a letter or digit first"
    return _shape(name, PATTERNS["workspace"], "an Azure ML workspace", rule)


@dataclass(frozen=True, slots=True)
class RoleArn:
    """The ARN of an IAM role in its parts; `path` is ``/`` or as ``/service-role/``."""

    partition: str
    account: str
    path: str
    name: str

    def __str__(self) -> str:
        return f"arn:{self.partition}:iam::{self.account}:role{self.path}{self.name}"


_ROLE = compiled(
    r"arn:(?P<partition>aws(?:-[a-z]+)*):iam::(?P<account>[0-9]{12})"
    r":role(?P<path>/(?:[!-~]{1,510}/)?)(?P<name>[\w+=,.@-]{1,64})",
    re.ASCII,
)


def parse_role_arn(text: str, *, account: str | None = None) -> RoleArn:
    """The ARN of an IAM role.

    Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html and
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html.

    Args:
        text: ``arn:PARTITION:iam::ACCOUNT:role/[PATH/]NAME``.
        account: The account to put into a suggestion, 12 digits.

    Raises:
        Refusal: It is not one; the remedy shows the form, with the name where there is one.
    """
    if match := _ROLE.fullmatch(text):
        return RoleArn(**match.groupdict())
    form = f"arn:aws:iam::{account or '123456789012'}:role/"
    assumed = re.fullmatch(
        r"arn:(aws[a-z-]*):sts::([0-9]{12}):assumed-role/([\w+=,.@-]+)(?:/.*)?", text, re.ASCII
    )
    if assumed:
        raise Refusal(
            f"{shown(text)} is a session of a role, not the role",
            remedy=f"Write `arn:{assumed[1]}:iam::{assumed[2]}:role/{assumed[3]}`, "
            "with the role's path where it has one.",
        )
    if text.startswith("arn:"):
        kind = text.split(":", 5)[-1].partition("/")[0]
        why = "the form is arn:PARTITION:iam::ACCOUNT:role/NAME, with 12 digits of account"
        if ":iam::" in text and kind in {"user", "group", "policy", "instance-profile", "root"}:
            why = f"it names a {kind}"
        raise Refusal(f"{shown(text)} is not the ARN of an IAM role", why=why)
    bare = text.removeprefix("role/")
    usable = re.fullmatch(r"[\w+=,.@/-]{1,64}", bare, re.ASCII)
    raise Refusal(
        f"{shown(text)} is not the ARN of an IAM role",
        why="it starts with `arn:`",
        remedy=f"Write `{form}{bare}`." if usable else f"Write it as `{form}NAME`.",
    )


def _length(name: str, most: int, what: str, why: str) -> None:
    if len(name) > most:
        raise Refusal(f"{what} has {len(name)} characters", why=why, remedy="Choose a shorter one.")


def _instead(name: str, better: str) -> str | None:
    """The remedy that names what to write; None where that would repeat what may be a secret."""
    return None if redaction.holds_secret(name) or better == name else f"Write `{better}`."


def _shape(name: str, pattern: str, what: str, rule: str) -> str:
    if re.fullmatch(pattern, name):
        return name
    lower = name.lower()
    raise Refusal(
        f"{shown(name)} cannot be {what}",
        why=rule,
        remedy=_instead(name, lower) if re.fullmatch(pattern, lower) else None,
    )
