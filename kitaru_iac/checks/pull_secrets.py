"""What lets pods pull from a registry that is not their cloud's: a secret with a login of it.

A node's own identity opens the registries of its cloud and no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import filterfalse
from typing import TYPE_CHECKING

from kitaru_iac.checks.commands import command, note
from kitaru_iac.checks.model import WORST_FIRST, CheckStatus, Verdict, fail, ok, unknown
from kitaru_iac.checks.pods import accounts_of, is_hidden
from kitaru_iac.checks.probes import Outcome, ProbeError, outcomes_of
from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.spec.model import BaseSpec, KubernetesSpec
from kitaru_iac.values import dataclass, replace

__all__ = [
    "ABOUT",
    "ForeignPull",
    "Puller",
    "SeenSecrets",
    "evaluate_pull_secrets",
    "foreign_pull",
    "look",
]

if TYPE_CHECKING:
    from kitaru_iac.checks.kubernetes_api import KubernetesApi

#: What a secret is called that nobody has named yet.
_OURS = "kitaru-registry"
#: What is said of the check in each cloud's catalog: its title, what it is about, where to read on.
ABOUT = (
    "Pods can pull from a registry that is not their cloud's",
    (
        "Only where the stack has such a registry, which the nodes' own identity does not open. "
        "One of the image pull secrets that `extra.orchestrator` names in `pod_settings` and "
        "`orchestrator_pod_settings` has to be there. Where it names none, one of the pods' "
        "service account that is there is enough; else it is unknown, since the registry may be "
        "public. The cluster is asked for the metadata of secrets alone. Not looked at: what is in "
        "them."
    ),
    "https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/",
)


@dataclass(frozen=True, slots=True)
class Puller:
    """Pods of one kind.

    Attributes:
        pods: Which, in words.
        account: The service account that they run as.
        secrets: The image pull secrets that the description names for them.
    """

    pods: str
    account: str
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ForeignPull:
    """Pods that pull from a registry of another kind than their cloud's.

    Attributes:
        registry: Its URI.
        pullers: The pods.
    """

    registry: str
    pullers: tuple[Puller, ...]


@dataclass(frozen=True, slots=True)
class SeenSecrets:
    """What a cluster tells.

    Attributes:
        accounts: Of each service account that was asked about, the secrets that it names.
        secrets: Of each secret, whether it is there.
    """

    accounts: Mapping[str, Outcome[tuple[str, ...]]]
    secrets: Mapping[str, Outcome[bool]]


def foreign_pull(spec: BaseSpec, cloud: Cloud) -> ForeignPull | None:
    """Read how the pods of a stack pull; None without pods, or from a registry of their cloud.

    Source: ``build_pod_manifest`` in ``manifest_utils.py`` (ZenML 0.98).
    """
    registry, orchestrator = spec.container_registry, spec.extra.orchestrator
    if not isinstance(spec, KubernetesSpec) or registry is None or registry.cloud is cloud:
        return None
    own, steps = accounts_of(orchestrator)
    of_run = _secrets(orchestrator.get("orchestrator_pod_settings"))
    of_steps = _secrets(orchestrator.get("pod_settings"))
    return ForeignPull(
        str(registry),
        (Puller("the orchestrator's pod", own, of_run), Puller("the steps' pods", steps, of_steps)),
    )


def _secrets(settings: object) -> tuple[str, ...]:
    named = settings.get("image_pull_secrets") if isinstance(settings, Mapping) else None
    return tuple(map(str, named)) if isinstance(named, (list, tuple)) else ()


def look(api: KubernetesApi, namespace: str, pull: ForeignPull) -> SeenSecrets:
    """Ask a cluster for the secrets that pods pull with: whether they are there, not what is in.

    A pod that names none has those of its service account.
    https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#add-imagepullsecrets-to-a-service-account
    """
    named_by = {one.account for one in pull.pullers if not one.secrets}
    accounts = outcomes_of(
        lambda name: _named_by(api.service_account(namespace, name)),
        sorted(filterfalse(is_hidden, named_by)),
    )
    names = {name for one in pull.pullers for name in one.secrets}
    names |= {name for said in accounts.values() if isinstance(said, tuple) for name in said}
    wanted = sorted(filterfalse(is_hidden, names))
    return SeenSecrets(accounts, outcomes_of(partial(api.has_secret, namespace), wanted))


def _named_by(account: Mapping[str, object]) -> tuple[str, ...]:
    given = account.get("imagePullSecrets")
    some = given if isinstance(given, list) else ()
    return tuple(str(one["name"]) for one in some if isinstance(one, Mapping) and one.get("name"))


def evaluate_pull_secrets(seen: SeenSecrets, pull: ForeignPull, namespace: str) -> Verdict:
    """The worst of what the pods of each kind have; all of them have to pull."""
    verdicts = [_evaluate(seen, one, pull.registry, namespace) for one in pull.pullers]
    status = min((one.status for one in verdicts), key=WORST_FIRST.index)
    alike = [one for one in verdicts if one.status is status]
    if status is not CheckStatus.OK:
        return alike[0]
    return ok(
        "; ".join(one.why for one in alike),
        "; ".join(dict.fromkeys(filter(None, (one.caveat for one in alike)))),
    )


def _evaluate(seen: SeenSecrets, puller: Puller, registry: str, namespace: str) -> Verdict:
    if puller.secrets:
        return _evaluate_named(seen, puller.secrets, puller.pods, namespace)
    if is_hidden(puller.account):
        return unknown(
            f"the service account of {puller.pods} is in ZenML's secret {puller.account}: not "
            "looked at",
            _get("serviceaccounts", namespace),
        )
    told = seen.accounts[puller.account]
    if isinstance(told, ProbeError):
        return unknown(
            f"whether {puller.pods} have an image pull secret was not seen: {told.why}",
            _get("serviceaccounts", namespace),
        )
    if told:
        whose = f"{puller.pods}, by the service account {puller.account},"
        found = _evaluate_named(seen, told, whose, namespace)
        # Nobody has said that this registry needs it.
        is_failure = found.status is CheckStatus.FAIL
        return replace(found, status=CheckStatus.UNKNOWN) if is_failure else found
    return unknown(
        f"no image pull secret is named for {puller.pods}: from {registry} they pull what is "
        "public, or what their nodes have a login for, which was not looked at",
        note(_create(_OURS, namespace), "then name it as image_pull_secrets in "
             "extra.orchestrator's pod_settings and orchestrator_pod_settings"),
    )  # fmt: skip


def _evaluate_named(
    seen: SeenSecrets, names: tuple[str, ...], whose: str, namespace: str
) -> Verdict:
    """One that is there may be enough: Kubernetes tries each, and passes over what is absent."""
    there = [name for name in names if seen.secrets.get(name) is True]
    absent = [name for name in names if seen.secrets.get(name) is False]
    if there:
        missing = f", and {', '.join(absent)} is not there" if absent else ""
        inside = (
            f"what is in {', '.join(there)} was not looked at, nor whether it opens the registry"
        )
        return ok(f"{whose} have the image pull secret {', '.join(there)}", f"{inside}{missing}")
    for name in names:
        told = seen.secrets.get(name)
        if told is None:
            return unknown(
                f"the image pull secret of {whose} is in ZenML's secret {name}: not looked at",
                _get("secrets", namespace),
            )
        if isinstance(told, ProbeError):
            return unknown(
                f"whether {whose} have the image pull secret {name} was not seen: {told.why}",
                _get("secrets", namespace),
            )
    return fail(
        f"{whose} name the image pull secret {', '.join(absent)}, and {namespace} has none of "
        "this name",
        _create(absent[0], namespace),
    )


def _get(kind: str, namespace: str) -> str:
    return command("kubectl", "get", kind, namespace=namespace)


def _create(name: str, namespace: str) -> str:
    """The command that makes one of the logins that `docker login` has written.

    https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/
    """
    return command(
        *("kubectl", "create", "secret", "generic", name),
        "--from-file=.dockerconfigjson=FILE",
        "--type=kubernetes.io/dockerconfigjson",
        f"--namespace={namespace}",
    )
