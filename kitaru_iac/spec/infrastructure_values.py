"""The rules of single values of `infrastructure`. Each gives the value back or raises `Refusal`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Network

from kitaru_iac.patterns import compiled
from kitaru_iac.spec.refusal import Refusal, Refusals, each, shown

__all__ = [
    "INSTANCE_TYPE",
    "KEY_ARN",
    "KUBERNETES",
    "MEMBER",
    "NETWORK",
    "NODES",
    "OUR_TAGS",
    "POLICY_ARN",
    "PRINCIPAL",
    "RETENTIONS",
    "SUBNET",
    "SUBNETS",
    "SUBNETWORK",
    "VM_SIZE",
    "at_least",
    "instance_type",
    "key_arn",
    "kubernetes_version",
    "log_retention",
    "members",
    "network",
    "networks",
    "policy_arn",
    "principals",
    "subnets",
    "switch",
    "tags",
]

_PARTITION = r"arn:aws[a-z-]*"
POLICY_ARN = rf"^{_PARTITION}:iam::([0-9]{{12}}|aws):policy/[\w+=,.@/-]+$"
KEY_ARN = rf"^{_PARTITION}:kms:[a-z0-9-]+:[0-9]{{12}}:key/[A-Za-z0-9-]+$"
SUBNET = r"^subnet-([0-9a-f]{8}|[0-9a-f]{17})$"
#: https://cloud.google.com/compute/docs/reference/rest/v1/subnetworks/get
SUBNETWORK = (
    r"^projects/[a-z][a-z0-9-]*[a-z0-9]/regions/[a-z]+-[a-z]+[0-9]+/"
    r"subnetworks/[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$"
)
SUBNETS = f"^(?:{SUBNET.strip('^$')}|{SUBNETWORK.strip('^$')})$"
NETWORK = r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$"
KUBERNETES = r"^1\.[0-9]{2}$"
PRINCIPAL = rf"^{_PARTITION}:iam::[0-9]{{12}}:(role|user)/[\w+=,.@/-]+$"
#: Who may be named in a policy of Google Cloud; not everybody (``allUsers``), and no whole domain
#: or pool.
#: https://cloud.google.com/iam/docs/principal-identifiers
MEMBER = (
    r"^(?:(?:serviceAccount|user|group):[^@\s]+@[^@\s]+"
    r"|principal://iam\.googleapis\.com/\S+"
    r"|principalSet://iam\.googleapis\.com/\S+/(?:group|attribute\.[^/\s]+)/[^*\s]+)$"
)
#: https://learn.microsoft.com/azure/virtual-machines/vm-naming-conventions
VM_SIZE = r"^Standard_[A-Z][A-Za-z0-9_-]+$"
INSTANCE_TYPE = r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$"
NODES = f"^(?:{INSTANCE_TYPE.strip('^$')}|{VM_SIZE.strip('^$')})$"

#: The tags by which what we made is known: they are never anybody else's to give.
OUR_TAGS = ("managed-by", "kitaru-stack", "pulumi-project", "pulumi-stack")
#: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RETENTIONS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922),
    *(3288, 3653),
)
_A_SUBNET = "subnet-0123456789abcdef0"
_MOST_TAGS = 50 - len(OUR_TAGS)
_MOST_NETWORKS = 40
# What registries of addresses are given: https://www.iana.org/assignments/ipv4-address-space
_WIDEST = 8
# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
_TAG = compiled(r"[\w .:/=+@-]*")


def policy_arn(text: str) -> str:
    """The ARN of an IAM policy."""
    return _shaped(text, POLICY_ARN, "the ARN of a policy", "arn:aws:iam::ACCOUNT:policy/NAME")


def key_arn(text: str) -> str:
    """The ARN of a KMS key; AWS ignores a grant on an alias."""
    if ":alias/" in text or text.startswith("alias/"):
        raise Refusal(
            f"{shown(text)} is an alias, and the key's own ARN is needed",
            why="AWS ignores a grant on an alias",
            remedy="Ask for it: aws kms describe-key --key-id ALIAS --query KeyMetadata.Arn",
        )
    return _shaped(text, KEY_ARN, "the ARN of a KMS key", "arn:aws:kms:REGION:ACCOUNT:key/ID")


def tags(given: Mapping[object, object]) -> dict[str, str]:
    """Tags that AWS takes, and none that say what is ours.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions.
    """
    found = [
        (_below(key), Refusal(wrong, why="AWS takes no such tags, or they say what is ours"))
        for key, value in given.items()
        if (wrong := _wrong_tag(key, value)) is not None
    ]
    if found:
        raise Refusals(found)
    if len(given) > _MOST_TAGS:
        raise Refusal(f"{len(given)} tags are too many: {_MOST_TAGS} fit beside ours")
    return {str(key): str(value) for key, value in given.items()}


def _below(key: object) -> str:
    """Where the value of a key stands; nowhere below, where the key has signs of paths."""
    return f".{key}" if isinstance(key, str) and re.fullmatch(r"[\w-]+", key) else ""


def _wrong_tag(key: object, value: object) -> str | None:
    if not isinstance(key, str) or not isinstance(value, str):
        return f"the name and value of the tag {shown(str(key))} have to be text, in quotes"
    if key.lower() in OUR_TAGS:
        return f"the tag {shown(key)} is ours"
    if key.lower().startswith("aws:"):
        return f"the tag {shown(key)} begins with `aws:`, which is AWS's"
    if not 0 < len(key) <= 128 or len(value) > 256:
        return f"the tag {shown(key)} is too long, or has no name"
    if not _TAG.fullmatch(key) or not _TAG.fullmatch(value):
        return f"the tag {shown(key)} has other signs than letters, digits, blanks and `.:/=+@_-`"
    return None


def subnets(given: Sequence[str]) -> tuple[str, ...]:
    """The ids of two subnets of AWS or more, or the path of one subnetwork of Google Cloud.

    That they are of the stack's own cloud is seen in `cross_infrastructure`.
    """
    each(given, lambda text: _shaped(text, SUBNETS, "the id of a subnet", _A_SUBNET))
    on_gcp = [text for text in given if re.fullmatch(SUBNETWORK, text)]
    if on_gcp and len(given) > 1:
        raise Refusal("one subnetwork is needed", why="a cluster of GKE lies in one")
    if not on_gcp and len(given) < 2:
        raise Refusal(
            "two different subnets are needed",
            why="EKS asks for subnets in at least two availability zones",
        )
    return tuple(given)


def networks(given: Sequence[str]) -> tuple[str, ...]:
    """IPv4 networks, none for nobody.

    Source: https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html.
    """
    each(given, _network)
    if len(given) > _MOST_NETWORKS:
        raise Refusal(f"a cluster takes at most {_MOST_NETWORKS} networks")
    return tuple(given)


def _network(text: str) -> None:
    try:
        network = IPv4Network(text)
    except ValueError as error:
        why = str(error) if "host bits" in str(error) else None
        remedy = "Write an address and the length of its prefix, as `203.0.113.7/32`."
        raise Refusal(f"{shown(text)} is not an IPv4 network", why, remedy) from None
    if 0 < network.prefixlen < _WIDEST:
        raise Refusal(
            f"{shown(text)} is a large part of the internet, and nobody's own network",
            why=f"no one has more than a /{_WIDEST}",
            remedy="Write the networks that may reach it; or `0.0.0.0/0`, if everybody may.",
        )
    if network.is_multicast:
        raise Refusal(f"{shown(text)} is a network for multicast, from which nobody connects")
    if network.prefixlen > 0 and not network.is_global and not _is_example(network):
        raise Refusal(
            f"{shown(text)} is a private network",
            why="the public endpoint is reached from public addresses; inside its network, the "
            "cluster is reached anyway",
        )


def _is_example(network: IPv4Network) -> bool:
    """Whether it is for documentation (RFC 5737), which Python calls private, and AWS takes."""
    examples = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
    return any(network.subnet_of(IPv4Network(example)) for example in examples)


def network(text: str) -> str:
    """What is done about a network: nothing but `create` is a choice."""
    if text != "create":
        raise Refusal(
            f"{shown(text)} is no choice of a network",
            remedy="Write `create`; or leave it out, and name the subnets of one that exists.",
        )
    return text


def principals(given: Sequence[str]) -> tuple[str, ...]:
    """The ARNs of roles and users, each once."""
    form = "arn:aws:iam::ACCOUNT:role/NAME"
    each(given, lambda text: _shaped(text, PRINCIPAL, "the ARN of a role or user", form))
    return tuple(given)


def members(given: Sequence[str]) -> tuple[str, ...]:
    """Members of policies of Google Cloud, each once."""
    form = "serviceAccount:NAME@PROJECT.iam.gserviceaccount.com"
    each(given, lambda text: _shaped(text, MEMBER, "a member of Google's IAM", form))
    return tuple(given)


def log_retention(days: int) -> int:
    """One of the numbers of days that CloudWatch Logs offers."""
    if days not in RETENTIONS:
        raise Refusal(
            f"{days} is not a number of days that CloudWatch Logs offers",
            why=f"they are {', '.join(map(str, RETENTIONS))}",
        )
    return days


def switch(given: bool) -> bool:
    """True or false, as it is."""
    return given


def kubernetes_version(text: str) -> str:
    """A minor version."""
    return _shaped(text, KUBERNETES, "a Kubernetes version", "1.34")


def instance_type(text: str) -> str:
    """An EC2 instance type, or a size of Azure's virtual machines.

    That it is of the stack's own cloud is seen in `cross_infrastructure`.
    """
    return _shaped(text, NODES, "an instance type", "m7i.xlarge")


def at_least(least: int) -> Callable[[int], int]:
    """A whole number that is not less."""

    def parse(number: int) -> int:
        if number < least:
            raise Refusal(f"{number} is too small: it has to be at least {least}")
        return number

    return parse


def _shaped(text: str, pattern: str, what: str, form: str) -> str:
    if not re.fullmatch(pattern.strip("^$"), text):
        raise Refusal(f"{shown(text)} is not {what}", remedy=f"Write it as `{form}`.")
    return text
