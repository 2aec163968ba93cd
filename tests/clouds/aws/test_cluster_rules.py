"""The judgements about the EKS cluster, on observations written by hand."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import Any

import pytest

from kitaru_iac.checks.cluster_rights import ClusterRight, Use
from kitaru_iac.checks.endpoint import SERVER_TOO
from kitaru_iac.checks.kubernetes_api import BeingDeleted, NotInCluster, NotLetIn
from kitaru_iac.checks.model import Check, CheckStatus, Verdict, ok, unknown
from kitaru_iac.checks.pods import PodSettings
from kitaru_iac.checks.probes import Denied, NotFound, Probe, ProbeError, Skipped, Unavailable
from kitaru_iac.clouds.aws.explain import checklist
from kitaru_iac.clouds.aws.observations import (
    CallerIdentity,
    Compute,
    PodIdentity,
    Principal,
    WebIdentity,
)
from kitaru_iac.clouds.aws.probes import AwsProbes
from kitaru_iac.clouds.aws.resources import AwsResources, aws_resources
from kitaru_iac.clouds.aws.simulate import Decision
from kitaru_iac.clouds.aws.verify_cluster import (
    cluster_checks,
    evaluate_access_entry,
    evaluate_active,
    evaluate_authentication,
    evaluate_version,
)
from kitaru_iac.clouds.aws.verify_compute import evaluate_compute
from kitaru_iac.clouds.aws.verify_endpoint import evaluate_endpoint
from kitaru_iac.clouds.aws.verify_pods import Pods, evaluate_pod_identity
from kitaru_iac.clouds.aws.verify_pull import evaluate_node_trust, evaluate_pull
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.uris import EcrUri

OK, WARN, FAIL, UNKNOWN = CheckStatus
ACCOUNT, OTHER = "123456789012", "999999999999"
HOST = f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com"
R = AwsResources(
    "prod",
    StackType.KUBERNETES,
    region="eu-west-1",
    account=ACCOUNT,
    registry=EcrUri(ACCOUNT, "eu-central-1", HOST),
    repository="team/images",
    cluster="c",
    namespace="ml",
)
NAMED = replace(R, service_account=True)
CHINA = replace(R, region="cn-north-1", partition="aws-cn")
WHO = Principal(f"arn:aws:iam::{ACCOUNT}:role/team/runner", "role", "runner")
LIST = "aws eks list-clusters --region eu-west-1  # shows those that are there"


class Iam:
    """An `AwsAccess` that simulates and lists as it is told, for each role."""

    described_as = "nobody"

    def __init__(
        self,
        simulated: dict[str, Any] | None = None,
        attached: dict[str, Any] | None = None,
    ) -> None:
        self.simulated = simulated or {}
        self.attached = attached or {}
        self.boundary: str | ProbeError | None = None
        self.asked: set[tuple[str, str, str]] = set()

    def open(self) -> None: ...

    def close(self) -> None: ...

    def ask(self, service: str, operation: str, **given: Any) -> Any:
        if operation == "get_role":
            boundary = self.boundary
            if isinstance(boundary, ProbeError):
                raise boundary
            return {"Role": {"PermissionsBoundary": {"PermissionsBoundaryArn": boundary}}
                    if boundary else {}}  # fmt: skip
        assert (service, operation) == ("iam", "simulate_principal_policy")
        role, (thing,) = given["PolicySourceArn"], given["ResourceArns"]
        said = self.simulated.get(role, "allowed")
        if isinstance(said, ProbeError):
            raise said
        self.asked |= {(role, action, thing) for action in given["ActionNames"]}
        results = [{"EvalActionName": a, "EvalDecision": said} for a in given["ActionNames"]]
        return {"EvaluationResults": results}

    def ask_all(self, service: str, operation: str, key: str, **given: Any) -> Any:
        assert (service, operation) == ("iam", "list_attached_role_policies")
        said = self.attached.get(given["RoleName"], [])
        if isinstance(said, ProbeError):
            raise said
        return [{"PolicyArn": f"arn:aws:iam::aws:policy/{name}"} for name in said]


def checks_of(r: AwsResources, iam: Iam) -> dict[str, Check]:
    probes = AwsProbes(iam, r)
    connector: Probe[Principal] = Probe("who", lambda: WHO)
    found = cluster_checks(checklist(probes, r), probes, r, iam, connector)
    assert {check.subject for check in found} == {r.cluster_arn, f"{r.cluster_arn}/{r.namespace}"}
    return {check.info.id: check for check in found}


# --- which checks there are


def test_pulling_is_checked_only_where_there_is_a_repository() -> None:
    every = checks_of(R, Iam())
    assert list(every) == [
        "aws.cluster.exists",
        "aws.cluster.active",
        "aws.cluster.version",
        "aws.cluster.namespace",
        "aws.cluster.compute",
        "aws.cluster.subnets",
        "aws.cluster.addons",
        "aws.cluster.pod_identity",
        "aws.cluster.authentication_mode",
        "aws.cluster.access_entry",
        "aws.cluster.rights",
        "aws.cluster.endpoint",
        "aws.cluster.node_role_pull",
        "aws.cluster.node_role_trust",
    ]
    without = set(every) - set(checks_of(replace(R, repository=None), Iam()))
    assert without == {"aws.cluster.node_role_pull"}


def test_each_check_judges_for_this_stack() -> None:
    checks = checks_of(R, Iam())
    exists = checks["aws.cluster.exists"]
    assert exists.evaluate({"version": "1.33"}) == ok("it exists, Kubernetes 1.33")
    assert exists.evaluate({}) == ok("it exists, Kubernetes ?")
    judged = {
        "active": checks["aws.cluster.active"].evaluate({"status": "CREATING"}),
        "compute": checks["aws.cluster.compute"].evaluate(Compute((), (), False, False)),
        "mode": checks["aws.cluster.authentication_mode"].evaluate({}),
        "endpoint": checks["aws.cluster.endpoint"].evaluate(({}, Skipped("x"))),
        "entry": checks["aws.cluster.access_entry"].evaluate(({"mode": "API"}, WHO)),
        "pull": checks["aws.cluster.node_role_pull"].evaluate(([("x/y", (), ())], {})),
    }
    for name in ("active", "compute", "mode", "endpoint", "entry"):
        assert judged[name].status in {FAIL, UNKNOWN}
        assert "--region eu-west-1" in str(judged[name].remedy)
        assert " c" in str(judged[name].remedy)
    assert judged["pull"].status is UNKNOWN  # `x/y` is in no account that is known


def test_each_check_takes_what_its_probe_saw_in_its_place() -> None:
    checks = checks_of(R, Iam())
    right = ClusterRight(Use.RUN, "create", "pods")
    denied = checks["aws.cluster.rights"].evaluate(((right,), WHO))
    assert (denied.status, denied.why) == (FAIL, "the connector may not create pods in ml")
    assert f"--principal-arn {WHO.arn} " in str(denied.remedy)
    assert checks["aws.cluster.rights"].evaluate(((), WHO)).status is OK
    addon = {"addonName": "coredns", "status": "DEGRADED"}
    judged = checks["aws.cluster.addons"].evaluate(((addon,), {}, {}))
    assert (judged.status, "coredns is DEGRADED" in judged.why) == (WARN, True)
    network = {"endpointPublicAccess": False, "endpointPrivateAccess": True}
    for reached, status in ((True, OK), (False, WARN)):
        seen = ({"resourcesVpcConfig": network}, reached)
        assert checks["aws.cluster.endpoint"].evaluate(seen).status is status
    role = {"Arn": f"arn:aws:iam::{ACCOUNT}:role/pods"}
    identity = PodIdentity("default", role["Arn"], role)
    agent = {"addonName": "eks-pod-identity-agent", "status": "ACTIVE"}
    of_pods: Any = checks["aws.cluster.pod_identity"].probe
    for addons, automatic in (((agent,), False), ((), True), ((), False)):
        cluster = {"computeConfig": {"enabled": automatic}}
        seen_of_pods = of_pods.run((identity,), cluster, {}, (), {}, (), addons, {})
        assert seen_of_pods == Pods((identity,), {}, {}, (), addons, cluster)
        whole = checks["aws.cluster.pod_identity"].evaluate(seen_of_pods)
        assert whole == evaluate_pod_identity(seen_of_pods, R)
    # What could not be asked about their rights is so of each role.
    denied_look = Denied("no")
    named = WebIdentity("steps", f"{identity.arn}-2", role, [])
    beaten = replace(named, account=identity.account)
    seen_of_pods = of_pods.run((identity,), {}, {}, (named, beaten), denied_look, (), (), {})
    assert seen_of_pods.rights == {identity.arn: denied_look, named.arn: denied_look}
    assert seen_of_pods.annotated == (named,)  # where there is an association, it counts


def test_each_check_waits_for_what_it_is_told_and_for_nothing_else() -> None:
    probes = AwsProbes(Iam(), R)  # type: ignore[arg-type]
    who: Probe[Principal] = Probe("who", lambda: WHO)
    made = cluster_checks(checklist(probes, R), probes, R, Iam(), who)  # type: ignore[arg-type]
    of = {check.info.id.removeprefix("aws.cluster."): check.probe for check in made}
    endpoint = of["endpoint"]
    assert (endpoint.requires, endpoint.after) == ((probes.cluster,), (probes.endpoint,))
    assert of["addons"].requires == (probes.addons, probes.cluster, probes.own_addons)
    pods = of["pod_identity"]
    annotated = probes.web_identities
    assert pods.requires == (
        probes.pod_identities, probes.cluster, probes.pod_accounts, annotated
    )  # fmt: skip
    assert annotated.requires == (probes.cluster, probes.pod_accounts)
    assert pods.after[1:3] == (probes.account_rights, probes.addons)
    rights, analysis = pods.after[0], pods.after[3]
    assert rights.requires == analysis.requires == (probes.pod_identities, annotated)
    # What Access Analyzer says is waited for, and nothing hangs on it.
    (trusts,), (opinion,) = of["node_role_trust"].requires, of["node_role_trust"].after
    assert opinion.requires == (trusts,)
    assert of["namespace"] is probes.namespace
    assert who in of["access_entry"].requires
    assert who in of["rights"].requires


@pytest.mark.parametrize(
    ("error", "status", "remedy"),
    [
        (NotInCluster("the cluster has no namespace ml"), FAIL, "kubectl create namespace ml"),
        (
            BeingDeleted("the cluster is deleting the namespace ml"),
            FAIL,
            "kubectl get namespace ml --output yaml  # its conditions tell what it waits for",
        ),
        (NotLetIn("403", "kubectl get namespaces"), UNKNOWN, "kubectl get namespaces"),
        (Unavailable("503", "wait"), UNKNOWN, "wait"),
        # The cluster itself: that is another check's.
        (NotFound("gone"), UNKNOWN, "aws sts get-caller-identity"),
    ],
)
def test_only_a_namespace_that_the_cluster_lacks_is_a_failure(
    error: ProbeError, status: CheckStatus, remedy: str
) -> None:
    on_error: Any = checks_of(R, Iam())["aws.cluster.namespace"].on_error
    found = on_error(error, WHO)
    assert (found.status, found.remedy) == (status, remedy)


@pytest.mark.parametrize("namespace", ["default", "kube-system", "ml"])
def test_a_namespace_of_every_cluster_is_not_asked_about(namespace: str) -> None:
    r = replace(R, namespace=namespace)
    probes = AwsProbes(Iam(), r)  # type: ignore[arg-type]
    made = cluster_checks(checklist(probes, r), probes, r, Iam(), probes.principal)  # type: ignore[arg-type]
    check: Any = next(one for one in made if one.info.id == "aws.cluster.namespace")
    assert (check.probe is probes.cluster) is (namespace != "ml")
    words = "the cluster has" if namespace == "ml" else "every cluster has"
    assert check.evaluate(namespace) == ok(f"{words} the namespace {namespace}")


@pytest.mark.parametrize(
    ("id", "status", "why"),
    [
        (
            "aws.cluster.exists",
            FAIL,
            "there is no EKS cluster of this name in eu-west-1, as these credentials see it",
        ),
        ("aws.cluster.active", UNKNOWN, "not looked at: gone"),
        ("aws.cluster.version", UNKNOWN, "not looked at: gone"),
        ("aws.cluster.compute", UNKNOWN, "not looked at: gone"),
        ("aws.cluster.subnets", UNKNOWN, "not looked at: gone"),
        ("aws.cluster.addons", UNKNOWN, "not looked at: gone"),
        ("aws.cluster.pod_identity", UNKNOWN, "not looked at: gone"),
        ("aws.cluster.authentication_mode", UNKNOWN, "not looked at: gone"),
        ("aws.cluster.access_entry", UNKNOWN, "not looked at: gone"),
        ("aws.cluster.endpoint", UNKNOWN, "not looked at: gone"),
        ("aws.cluster.node_role_pull", UNKNOWN, "not looked at: gone"),
    ],
)
def test_an_absent_cluster_is_one_failure(id: str, status: CheckStatus, why: str) -> None:
    on_error: Any = checks_of(R, Iam())[id].on_error
    assert on_error(NotFound("gone"), WHO) == Verdict(status, why, LIST)


@pytest.mark.parametrize("error", [Denied("no", permission="eks:X"), Unavailable("silence")])
def test_a_cluster_that_could_not_be_looked_at_is_not_absent(error: Any) -> None:
    on_error: Any = checks_of(R, Iam())["aws.cluster.exists"].on_error
    assert on_error(error, WHO).status is UNKNOWN


# --- active


WAIT = "aws eks wait cluster-active --name c --region eu-west-1"
HEALTH = "aws eks describe-cluster --name c --query cluster.health --region eu-west-1"


@pytest.mark.parametrize(
    ("cluster", "verdict"),
    [
        ({"status": "ACTIVE"}, ok("it is ACTIVE")),
        ({"status": "UPDATING"}, Verdict(WARN, "it is UPDATING, and usable meanwhile", WAIT)),
        ({"status": "CREATING"}, Verdict(FAIL, "it is CREATING", WAIT)),
        ({"status": "PENDING"}, Verdict(FAIL, "it is PENDING", WAIT)),
        ({"status": "DELETING"}, Verdict(FAIL, "it is DELETING", HEALTH)),
        ({"status": "FAILED"}, Verdict(FAIL, "it is FAILED", HEALTH)),
        ({"status": "FAILED", "health": {}}, Verdict(FAIL, "it is FAILED", HEALTH)),
        (
            {"status": "FAILED", "health": {"issues": [{"message": "a"}, {"message": "b"}]}},
            Verdict(FAIL, "it is FAILED: a; b", HEALTH),
        ),
    ],
)
def test_a_cluster_is_usable_while_it_is_active_or_updated(
    cluster: dict[str, Any], verdict: Verdict
) -> None:
    assert evaluate_active(cluster, R) == verdict


def test_an_active_cluster_with_health_issues_is_no_plain_ok() -> None:
    issues = [{"code": "KmsKeyDisabled", "message": "its key is disabled"}]
    verdict = evaluate_active({"status": "ACTIVE", "health": {"issues": issues}}, R)
    assert (verdict.status, "its key is disabled" in verdict.why) == (WARN, True)


# --- compute


def group(name: str, status: str = "ACTIVE", **scaling: int) -> dict[str, Any]:
    return {
        "nodegroupName": name,
        "status": status,
        "scalingConfig": {"desiredSize": 1, **scaling},
    }


def profile(
    name: str, *selectors: dict[str, Any], status: str = "ACTIVE", **more: Any
) -> dict[str, Any]:
    return {
        "fargateProfileName": name,
        "status": status,
        "podExecutionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/pods",
        "selectors": list(selectors),
        **more,
    }


def compute(
    groups: Any = (), profiles: Any = (), *, auto: bool = False, hybrid: bool = False, **more: Any
) -> Verdict:
    return evaluate_compute(Compute(tuple(groups), tuple(profiles), auto, hybrid, **more), R)


ML = {"namespace": "ml"}
FITS = profile("fits", ML)


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        ({"auto": True}, "Auto Mode makes nodes as they are needed"),
        (
            {"auto": True, "groups": [group("g", "CREATE_FAILED")]},
            "Auto Mode makes nodes as they are needed",
        ),
        ({"groups": [group("g", desiredSize=1)]}, "node groups: g"),
        ({"groups": [group("g")]}, "node groups: g"),
        ({"groups": [group("g", maxSize=3)]}, "node groups: g"),
        ({"groups": [group("g", "UPDATING", desiredSize=2)]}, "node groups: g"),
        # those that are not active are not named
        (
            {"groups": [group("a", "DEGRADED"), group("b"), group("c", "UPDATING")]},
            "node groups: b, c",
        ),
        # one that is not scaled to zero will do
        (
            {"groups": [group("a", desiredSize=0), group("b", desiredSize=1)]},
            "node groups: a, b",
        ),
        ({"profiles": [FITS]}, "Fargate profiles for the namespace ml: fits"),
        (
            {"profiles": [profile("a", {"namespace": "other"}), FITS, profile("b", ML)]},
            "Fargate profiles for the namespace ml: fits, b",
        ),
        # one selector of many, the one without labels
        (
            {"profiles": [profile("a", {"namespace": "other"}, {**ML, "labels": {}})]},
            "Fargate profiles for the namespace ml: a",
        ),
        (
            {"profiles": [profile("a", {**ML, "labels": {"x": "y"}}, ML)]},
            "Fargate profiles for the namespace ml: a",
        ),
        (
            {"groups": [group("g", "DEGRADED")], "profiles": [FITS]},
            "Fargate profiles for the namespace ml: fits",
        ),
    ],
)
def test_one_thing_that_runs_pods_is_enough(seen: dict[str, Any], why: str) -> None:
    assert compute(**seen) == ok(why)


@pytest.mark.parametrize(
    ("scaling", "most"),
    [
        ({"desiredSize": 0, "maxSize": 3}, 3),
        ({"desiredSize": 0, "maxSize": 1}, 1),
        ({"desiredSize": 0, "maxSize": 0}, 1),
        ({"desiredSize": 0}, 1),
    ],
)
def test_groups_scaled_to_zero_are_scaled_up_within_their_limit(
    scaling: dict[str, int], most: int
) -> None:
    groups = [group("x", "CREATING"), group("a", **scaling), group("b", desiredSize=0, maxSize=9)]
    assert compute(groups) == Verdict(
        WARN,
        "the node groups a, b are scaled to zero: pods wait until something scales them up",
        "aws eks update-nodegroup-config --cluster-name c --nodegroup-name a --scaling-config "
        f"""'{{"minSize":1,"desiredSize":1,"maxSize":{most}}}' --region eu-west-1""",
    )


@pytest.mark.parametrize(
    ("groups", "status", "states"),
    [
        ([group("a", "CREATE_FAILED")], FAIL, "a CREATE_FAILED"),
        ([group("a", "CREATING"), group("b", "DELETING")], FAIL, "a CREATING, b DELETING"),
        ([group("a", "DEGRADED")], WARN, "a DEGRADED"),
        ([group("a", "CREATING"), group("b", "DEGRADED")], WARN, "a CREATING, b DEGRADED"),
    ],
)
@pytest.mark.parametrize("profiles", [[], [profile("p", {"namespace": "other"})]])
def test_groups_that_are_not_active_are_named_with_their_state(
    groups: list[Any], status: CheckStatus, states: str, profiles: list[Any]
) -> None:
    assert compute(groups, profiles) == Verdict(
        status,
        f"no node group is ACTIVE: {states}",
        "aws eks describe-nodegroup --cluster-name c --nodegroup-name a "
        "--query nodegroup.health --region eu-west-1",
    )


@pytest.mark.parametrize(
    "unfit",
    [
        profile("p", {"namespace": "other"}),
        profile("p", {"namespace": "mlops"}),
        profile("p", {"namespace": "m"}),
        profile("p"),
        profile("p", {}),
        # pods of ZenML carry no labels of a profile's
        profile("p", {**ML, "labels": {"team": "x"}}),
        profile("p", ML, status="CREATING"),
        profile("p", ML, status="CREATE_FAILED"),
        profile("p", ML, status="DELETING"),
    ],
)
def test_a_profile_that_takes_no_pods_of_the_namespace_does_not_run_them(
    unfit: dict[str, Any],
) -> None:
    found = compute((), [{**unfit, "subnets": ["s-1", "s-2"]}, profile("q", {"namespace": "x"})])
    assert found.status is FAIL
    words = shlex.split(str(found.remedy))
    assert words[:9] == [
        *("aws", "eks", "create-fargate-profile", "--cluster-name", "c"),
        *("--fargate-profile-name", "kitaru-ml", "--pod-execution-role-arn"),
        f"arn:aws:iam::{ACCOUNT}:role/pods",
    ]
    assert (words[9], json.loads(words[10])) == ("--subnets", ["s-1", "s-2"])
    assert (words[11], json.loads(words[12])) == ("--selectors", [ML])
    assert words[13:] == ["--region", "eu-west-1"]


def test_a_profile_without_subnets_gives_none() -> None:
    found = compute((), [profile("p", {"namespace": "other"})])
    assert found.why == "only Fargate profiles for other namespaces than ml"
    assert "--subnets '[]'" in str(found.remedy)


@pytest.mark.parametrize(
    ("arm", "asks", "status", "why"),
    [
        (0, (), OK, "2 running instances"),
        (1, (), OK, "2 running instances"),
        (2, (), WARN, "only ARM nodes (2 running instances"),
        (0, (("kubernetes.io/os", "linux"),), OK, "2 running instances"),
        (0, (("gpu", "a100"),), UNKNOWN, "the pods ask for gpu=a100"),
        # What each node says of its processor is known where one has it.
        (0, (("kubernetes.io/arch", "amd64"),), OK, "2 running instances"),
        (1, (("kubernetes.io/arch", "amd64"),), OK, "2 running instances"),
        (2, (("kubernetes.io/arch", "amd64"),), UNKNOWN, "kubernetes.io/arch=amd64"),
        (0, (("kubernetes.io/arch", "arm64"),), UNKNOWN, "kubernetes.io/arch=arm64"),
        (1, (("kubernetes.io/arch", "arm64"),), OK, "2 running instances"),
        (2, (("kubernetes.io/arch", "arm64"),), OK, "2 running instances"),
    ],
)
def test_what_eks_does_not_manage_is_judged_by_what_is_known_of_it(
    arm: int, asks: Any, status: CheckStatus, why: str
) -> None:
    seen = Compute((), (), False, False, unmanaged=2, unmanaged_arm=arm)
    found = evaluate_compute(seen, replace(R, pods=(PodSettings(asks),)))
    assert (found.status, why in found.why) == (status, True), found


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"karpenter": True}, "Karpenter may have others"),
        ({"auto_mode": True, "pools": ()}, "Auto Mode may have others"),
        ({"hybrid": True}, "hybrid nodes may have others"),
    ],
)
@pytest.mark.parametrize("groups", [(), ("AL2023_ARM_64_STANDARD",)])
def test_only_arm_nodes_are_known_where_others_may_be(
    groups: tuple[str, ...], more: dict[str, Any], words: str
) -> None:
    there: dict[str, Any] = {"auto_mode": False, "hybrid": False, **more}
    if not groups:
        there |= {"unmanaged": 2, "unmanaged_arm": 2}
    found = evaluate_compute(Compute(tuple(map(some, groups)), (), **there), R)
    assert (found.status, words in found.why) == (UNKNOWN, True), found


def test_arm_nodes_are_not_the_only_ones_where_labels_of_others_are_not_known() -> None:
    arm = some("AL2023_ARM_64_STANDARD", labels={"team": "ml"})
    pod = PodSettings((("team", "ml"),))
    found = evaluate_compute(
        Compute((arm,), (), False, False, unmanaged=1), replace(R, pods=(pod,))
    )
    assert (found.status, "team=ml" in found.why) == (UNKNOWN, True), found


def test_what_eks_does_not_manage_has_its_caveat() -> None:
    found = compute(unmanaged=1)
    assert (found.status, found.why) == (OK, "1 running instances that EKS does not manage")
    assert "taints" in str(found.caveat)


def some(ami: str = "AL2023_x86_64_STANDARD", **more: Any) -> dict[str, Any]:
    return {**group("g", desiredSize=1), "amiType": ami, **more}


def tainted(key: str = "team", effect: str = "NO_SCHEDULE", value: str = "x") -> dict[str, Any]:
    return some(taints=[{"key": key, "value": value, "effect": effect}])


def sick(code: str, **more: Any) -> dict[str, Any]:
    return some(health={"issues": [{"code": code, "message": "m"}]}, **more)


FARGATE_ELSEWHERE = profile("p", {"namespace": "karpenter"})
EMPTY: dict[str, Any] = {"scalingConfig": {"desiredSize": 0, "maxSize": 3}}
TOLERANT = {"tolerations": [{"key": "team", "operator": "Equal", "value": "x"}]}


@pytest.mark.parametrize(
    ("seen", "settings", "status", "why"),
    [
        ({"groups": [some()]}, {}, OK, "node groups: g"),
        ({"groups": [some("CUSTOM")]}, {}, OK, "node groups: g"),
        # what can run nothing
        ({"groups": [some("WINDOWS_CORE_2022_x86_64")]}, {}, FAIL, "g runs Windows"),
        ({"groups": [some("AL2023_ARM_64_STANDARD")]}, {}, WARN, "only ARM nodes"),
        ({"groups": [{**some("CUSTOM"), "instanceTypes": ["m6g.large"]}]}, {}, WARN, "only ARM"),
        (
            {"groups": [{**some("CUSTOM"), "instanceTypes": ["m6g.large", "m5.large"]}]},
            {},
            OK,
            "g",
        ),
        # What the image says counts.
        ({"groups": [{**some(), "instanceTypes": ["m6g.large"]}]}, {}, OK, "node groups: g"),
        (
            {"groups": [some("AL2023_ARM_64_STANDARD"), {**some(), "nodegroupName": "h"}]},
            {},
            OK,
            "h",
        ),
        ({"groups": [tainted()]}, {}, FAIL, "g has the taint team"),
        ({"groups": [tainted(effect="NO_EXECUTE")]}, {}, FAIL, "g has the taint team"),
        ({"groups": [tainted(effect="PREFER_NO_SCHEDULE")]}, {}, OK, "g"),
        ({"groups": [sick("NodeCreationFailure")]}, {}, FAIL, "NodeCreationFailure: m"),
        ({"groups": [sick("IamNodeRoleNotFound", status="DEGRADED")]}, {}, FAIL, "IamNodeRole"),
        ({"groups": [sick("InsufficientFreeAddresses")]}, {}, WARN, "have issues"),
        ({"groups": [sick("InsufficientFreeAddresses", status="DEGRADED")]}, {}, WARN, "DEGRADED"),
        # whether something scales a group up stands in the cluster, if anything runs there at all
        ({"groups": [some(**EMPTY)]}, {}, WARN, "to zero: pods wait"),
        ({"groups": [some(**EMPTY)], "unmanaged": 0}, {}, FAIL, "to zero, and nothing else is"),
        ({"groups": [some(**EMPTY)], "unmanaged": 0, "hybrid": True}, {}, WARN, "pods wait"),
        ({"groups": [some(**EMPTY)], "unmanaged": 0, "karpenter": True}, {}, WARN, "pods wait"),
        (
            {"groups": [some(**EMPTY)], "unmanaged": 0, "auto": True, "pools": ("system",)},
            {},
            WARN,
            "pods wait",
        ),
        (
            {"groups": [some(**EMPTY)], "unmanaged": 0, "profiles": [FARGATE_ELSEWHERE]},
            {},
            WARN,
            "pods wait",
        ),
        (
            {"groups": [some(**EMPTY), {**tainted(), "nodegroupName": "h"}], "unmanaged": 0},
            {},
            WARN,
            "g are scaled to zero: pods wait",
        ),
        (
            {
                "groups": [some(**EMPTY), {**tainted(), **EMPTY, "nodegroupName": "h"}],
                "unmanaged": 0,
            },
            {},
            FAIL,
            "g are scaled to zero, and nothing",
        ),
        # of a size that is not told nothing is known
        ({"groups": [some(scalingConfig={})]}, {}, UNKNOWN, "g do not say how many nodes"),
        ({"groups": [some(scalingConfig=None)]}, {}, UNKNOWN, "g do not say how many nodes"),
        ({"groups": [some(scalingConfig={"desiredSize": True})]}, {}, UNKNOWN, "do not say"),
        (
            {
                "groups": [some(scalingConfig={}), {**some(**EMPTY), "nodegroupName": "h"}],
                "unmanaged": 0,
            },
            {},
            UNKNOWN,
            "g do not say",
        ),
        ({"groups": [tainted()], "unmanaged": 2}, {}, OK, "2 running instances"),
        ({"groups": [tainted()], "profiles": [FITS]}, {}, OK, "Fargate profiles"),
        # Karpenter, hybrid nodes and own pools of Auto Mode make nodes that EKS does not list
        ({"groups": [tainted()], "karpenter": True}, {}, UNKNOWN, "only Karpenter"),
        ({"profiles": [FARGATE_ELSEWHERE], "karpenter": True}, {}, UNKNOWN, "only Karpenter"),
        ({"groups": [tainted()], "hybrid": True}, {}, UNKNOWN, "only hybrid nodes"),
        ({"auto": True, "pools": ()}, {}, UNKNOWN, "node pools of its own in Auto Mode"),
        ({"auto": True, "pools": ("system",)}, {}, UNKNOWN, "node pools of its own"),
        ({"auto": True, "pools": (), "groups": [some()]}, {}, OK, "node groups: g"),
        ({"auto": True, "pools": ("system", "general-purpose")}, {}, OK, "Auto Mode"),
        # what the description asks of nodes
        ({"groups": [tainted()]}, {"pod_settings": TOLERANT}, FAIL, "g has the taint team"),
        (
            {"groups": [tainted()]},
            {"pod_settings": TOLERANT, "orchestrator_pod_settings": TOLERANT},
            OK,
            "node groups: g",
        ),
        (
            {"groups": [tainted(), {**some(), "nodegroupName": "h"}]},
            {"pod_settings": TOLERANT},
            OK,
            "node groups",
        ),
        (
            {"groups": [some()]},
            {"pod_settings": {"node_selectors": {"pool": "gpu"}}},
            FAIL,
            "has not the label pool=gpu",
        ),
        (
            {"groups": [some(labels={"pool": "gpu"})]},
            {"pod_settings": {"node_selectors": {"pool": "gpu"}}},
            OK,
            "g",
        ),
        (
            {"groups": [some()]},
            {"pod_settings": {"node_selectors": {"kubernetes.io/arch": "arm64"}}},
            FAIL,
            "kubernetes.io/arch=arm64",
        ),
        (
            {"groups": [some("AL2023_ARM_64_STANDARD")]},
            {
                "pod_settings": {"node_selectors": {"kubernetes.io/arch": "arm64"}},
                "orchestrator_pod_settings": {"node_selectors": {"kubernetes.io/arch": "arm64"}},
            },
            OK,
            "node groups: g",
        ),
        (
            {"groups": [some("AL2023_ARM_64_STANDARD")]},
            {"pod_settings": {"node_selectors": {"beta.kubernetes.io/arch": "arm64"}}},
            WARN,
            "only ARM nodes",
        ),
        # What every node says of itself, a group need not.
        (
            {"groups": [some()]},
            {"pod_settings": {"node_selectors": {"topology.kubernetes.io/zone": "eu-west-1a"}}},
            OK,
            "node groups: g",
        ),
        (
            {"groups": [some()]},
            {"pod_settings": {"node_selectors": {"topology.k8s.aws/zone-id": "euw1-az1"}}},
            OK,
            "node groups: g",
        ),
        (
            {"groups": [some()]},
            {"pod_settings": {"node_selectors": {"eks.amazonaws.com/nodegroup": "h"}}},
            FAIL,
            "eks.amazonaws.com/nodegroup=h",
        ),
        (
            {"groups": [some()]},
            {"pod_settings": {"node_selectors": {"pool": "gpu"}}},
            FAIL,
            "g has not the label pool=gpu that the pods ask for",
        ),
        # Fargate's selectors take wildcards, in labels too
        ({"profiles": [profile("p", {"namespace": "*"})]}, {}, OK, "Fargate profiles"),
        ({"profiles": [profile("p", {"namespace": "m?"})]}, {}, OK, "Fargate profiles"),
        ({"profiles": [profile("p", {"namespace": "m?l"})]}, {}, FAIL, "other namespaces"),
        (
            {"profiles": [profile("p", {"namespace": "ml", "labels": {"team": "a*"}})]},
            {
                "pod_settings": {"labels": {"team": "abc"}},
                "orchestrator_pod_settings": {"labels": {"team": "abc"}},
            },
            OK,
            "Fargate profiles",
        ),
        (
            {"profiles": [profile("p", {"namespace": "ml", "labels": {"team": "a*"}})]},
            {"pod_settings": {"labels": {"team": "b"}}},
            FAIL,
            "other namespaces",
        ),
    ],
)
def test_what_is_there_must_run_the_stack_s_pods(
    seen: dict[str, Any], settings: dict[str, Any], status: CheckStatus, why: str
) -> None:
    spec = from_mapping(
        {
            "name": "prod",
            "type": "kubernetes",
            "artifact_store": "s3://bucket",
            "container_registry": f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com",
            "cluster": "c",
            "namespace": "ml",
            "region": "eu-west-1",
            "extra": {"orchestrator": settings},
        }
    )
    given = {"auto": False, "hybrid": False, "groups": (), "profiles": (), **seen}
    order = (given.pop("groups"), given.pop("profiles"), given.pop("auto"), given.pop("hybrid"))
    found = evaluate_compute(Compute(*map(_tuple, order), **given), aws_resources(spec))
    assert found.status is status, found.why
    assert why in found.why


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("shown", "status"),
    [
        ({"versionStatus": "STANDARD_SUPPORT"}, OK),
        ({"versionStatus": "EXTENDED_SUPPORT"}, WARN),
        ({"versionStatus": "UNSUPPORTED"}, FAIL),
        ({"status": "extended-support"}, WARN),
        ({"versionStatus": "SOMETHING"}, UNKNOWN),
        ({}, UNKNOWN),
    ],
)
def test_support_of_the_version(shown: dict[str, str], status: CheckStatus) -> None:
    found = evaluate_version({"clusterVersion": "1.29", **shown}, R)
    assert found.status is status
    assert "1.29" in found.why


def test_a_role_whose_path_is_not_known_may_have_an_entry() -> None:
    found = evaluate_access_entry(({"mode": "API"}, replace(WHO, certain=False)), R)
    assert (found.status, found.missing_permission) == (UNKNOWN, "iam:GetRole")


def test_a_customer_s_policy_with_aws_s_name_counts_for_nothing() -> None:
    named_so = f"arn:aws:iam::{ACCOUNT}:policy/{PULL_ONLY}"
    assert pulling((NODE, REFUSED, (named_so,))).status is UNKNOWN
    for partition in ("aws", "aws-cn", "aws-us-gov"):
        own = f"arn:{partition}:iam::aws:policy/{PULL_ONLY}"
        assert pulling((NODE, REFUSED, (own,))).status is OK


def test_a_pull_that_hangs_on_a_key_is_unknown() -> None:
    hanging = replace(MAY[0], missing_context=("aws:SourceVpce",))
    found = pulling((NODE, (hanging, MAY[1]), ()))
    assert found.status is UNKNOWN
    assert "aws:SourceVpce" in found.why


def test_a_role_of_another_account_than_the_caller_s_is_not_judged_by_its_namesake() -> None:
    iam = Iam()
    probe = checks_of(R, iam)["aws.cluster.node_role_pull"].probe.requires[0]
    caller = CallerIdentity(OTHER, "me")
    seen = probe.run({}, ({"nodeRole": NODE},), (), caller)
    assert iam.asked == set()
    found = evaluate_pull(seen, {}, R)
    assert found.status is UNKNOWN
    assert f"is of account {ACCOUNT}" in found.why
    assert "create-role" not in str(found.remedy)


def test_a_pod_execution_role_is_trusted_to_fargate() -> None:
    iam = Iam({PODS: REFUSED}, {"pods": GONE})
    found = evaluate_pull(looked(iam, profiles=[{"podExecutionRoleArn": PODS}]), {}, R)
    assert found.status is FAIL
    assert "eks-fargate-pods.amazonaws.com" in str(found.remedy)
    assert "ec2.amazonaws.com" not in str(found.remedy)


def test_hybrid_nodes_are_not_listed() -> None:
    assert compute(hybrid=True) == Verdict(
        UNKNOWN, "it has hybrid nodes only, which EKS does not list", "kubectl get nodes"
    )


@pytest.mark.parametrize("count", [None, 0])
def test_a_cluster_with_nothing_runs_nothing(count: int | None) -> None:
    assert compute(unmanaged=count) == Verdict(
        FAIL,
        "no Auto Mode, node group, Fargate profile or tagged instance: pods would wait forever",
        "eksctl create nodegroup --cluster c --region eu-west-1",
    )


# --- who may enter


MODE = (
    "aws eks update-cluster-config --name c --access-config "
    """'{"authenticationMode":"API_AND_CONFIG_MAP"}' --region eu-west-1"""
)


@pytest.mark.parametrize(
    ("cluster", "verdict"),
    [
        ({"accessConfig": {"authenticationMode": "API"}}, ok("its mode is API")),
        (
            {"accessConfig": {"authenticationMode": "API_AND_CONFIG_MAP"}},
            ok("its mode is API_AND_CONFIG_MAP"),
        ),
        (
            {"accessConfig": {"authenticationMode": "CONFIG_MAP"}},
            Verdict(
                WARN,
                "its mode is CONFIG_MAP: it takes no access entries",
                f"{MODE}  # there is no way back",
            ),
        ),
        (
            {"accessConfig": {}},
            Verdict(UNKNOWN, "EKS did not tell the cluster's authentication mode", MODE),
        ),
        ({}, Verdict(UNKNOWN, "EKS did not tell the cluster's authentication mode", MODE)),
    ],
)
def test_the_authentication_mode(cluster: dict[str, Any], verdict: Verdict) -> None:
    assert evaluate_authentication(cluster, R) == verdict


def associate(partition: str = "aws", region: str = "eu-west-1") -> str:
    return (
        f"aws eks associate-access-policy --cluster-name c --principal-arn {WHO.arn} "
        f"--policy-arn arn:{partition}:eks::aws:cluster-access-policy/AmazonEKSAdminPolicy "
        """--access-scope '{"type":"namespace","namespaces":["ml"]}' """
        f"--region {region}"
    )


ENTER = (
    f"aws eks create-access-entry --cluster-name c --principal-arn {WHO.arn} --region eu-west-1 "
    f"&& {associate()}"
)
EVERYWHERE = {"type": "cluster", "namespaces": []}


def within(*namespaces: str) -> dict[str, Any]:
    return {"type": "namespace", "namespaces": list(namespaces)}


def entry(*policies: tuple[str, dict[str, Any] | None], groups: Any = ()) -> dict[str, Any]:
    return {
        "mode": "API",
        "principalArn": WHO.arn,
        "kubernetesGroups": groups,
        "policies": [
            {
                "policyArn": f"arn:aws:eks::aws:cluster-access-policy/{name}",
                **({} if scope is None else {"accessScope": scope}),
            }
            for name, scope in policies
        ],
    }


def entering(seen: dict[str, Any], r: AwsResources = R) -> Verdict:
    return evaluate_access_entry((seen, WHO), r)


def test_without_an_entry_the_config_map_counts_where_there_is_one() -> None:
    assert entering({"mode": "API"}) == Verdict(FAIL, f"{WHO.arn} has no access entry", ENTER)
    assert entering({"mode": "API_AND_CONFIG_MAP"}) == Verdict(
        UNKNOWN,
        f"{WHO.arn} has no access entry; the aws-auth ConfigMap may let it in, which is not "
        "looked at",
        ENTER,
    )


def test_an_entry_that_is_there_counts_whether_or_not_its_path_was_looked_up() -> None:
    unsure = replace(WHO, certain=False)
    arn = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminPolicy"
    policies = [{"policyArn": arn, "accessScope": {"type": "cluster"}}]
    entry = {"mode": "API", "principalArn": "x", "policies": policies}
    assert evaluate_access_entry((entry, unsure), R).status is OK
    bare = evaluate_access_entry(({"mode": "API", "principalArn": "x"}, unsure), R)
    assert (bare.status, bare.missing_permission) == (FAIL, None)
    found = evaluate_access_entry(({"mode": "API"}, unsure), R)
    assert (found.status, found.missing_permission) == (UNKNOWN, "iam:GetRole")
    assert found.remedy == "aws eks list-access-entries --cluster-name c --region eu-west-1"


ADMIN, CLUSTER_ADMIN = "AmazonEKSAdminPolicy", "AmazonEKSClusterAdminPolicy"
EDIT, VIEW = "AmazonEKSEditPolicy", "AmazonEKSViewPolicy"


@pytest.mark.parametrize("scope", [EVERYWHERE, within("ml"), within("other", "ml"), within("m*")])
@pytest.mark.parametrize("groups", [(), ["builders"]])
def test_an_admin_of_the_namespace_may_do_all(scope: dict[str, Any], groups: Any) -> None:
    for name in (ADMIN, CLUSTER_ADMIN):
        assert entering(entry((name, scope), groups=groups)) == ok(f"{WHO.arn} has {name}")
    found = entering(entry((CLUSTER_ADMIN, scope), (VIEW, scope), (ADMIN, scope)))
    assert found == ok(f"{WHO.arn} has {ADMIN}, {CLUSTER_ADMIN}")


@pytest.mark.parametrize(
    ("scope", "covers"),
    [
        (EVERYWHERE, True),
        (within("ml"), True),
        (within("ml*"), True),
        (within("*"), True),
        (within("other", "m*"), True),
        (within(), False),
        (within("m"), False),
        (within("mlops"), False),
        (within("mlops*"), False),
        (within("l*"), False),
        (within("*l"), False),
        ({}, False),
        (None, False),
        ({"type": "namespace"}, False),
    ],
)
def test_a_policy_counts_where_its_scope_covers_the_namespace(
    scope: dict[str, Any] | None, covers: bool
) -> None:
    assert (entering(entry((ADMIN, scope))).status is OK) is covers


NO_POLICY = Verdict(
    FAIL,
    f"the access entry of {WHO.arn} has no policy that lets it create pods in ml",
    associate(),
)
NO_BINDING = Verdict(
    FAIL,
    f"{WHO.arn} has {EDIT}, and ZenML makes a role binding unless "
    "extra.orchestrator.service_account_name is set",
    associate(),
)
IN_GROUPS = Verdict(
    UNKNOWN,
    f"{WHO.arn} is in the Kubernetes groups builders, x; what these allow stands in the cluster",
    "kubectl auth can-i create rolebindings --namespace ml --as runner --as-group builders",
)
NAMED_IS_FINE = ok(f"{WHO.arn} has {EDIT}, and the service account is named")
GROUPS = ["builders", "x"]


@pytest.mark.parametrize(
    ("seen", "r", "verdict"),
    [
        (entry(), R, NO_POLICY),
        (entry(groups=None), R, NO_POLICY),
        (entry(), NAMED, NO_POLICY),
        (entry((VIEW, EVERYWHERE)), NAMED, NO_POLICY),
        (entry((EDIT, EVERYWHERE)), R, NO_BINDING),
        (entry((EDIT, within("ml"))), R, NO_BINDING),
        (entry((EDIT, within("other"))), R, NO_POLICY),
        (entry((EDIT, EVERYWHERE)), NAMED, NAMED_IS_FINE),
        (entry((EDIT, within("ml"))), NAMED, NAMED_IS_FINE),
        (entry((EDIT, within("other"))), NAMED, NO_POLICY),
        (entry((EDIT, EVERYWHERE), groups=GROUPS), NAMED, NAMED_IS_FINE),
        # groups may allow what the policies do not
        (entry((EDIT, EVERYWHERE), groups=GROUPS), R, IN_GROUPS),
        (entry(groups=GROUPS), R, IN_GROUPS),
        (entry(groups=GROUPS), NAMED, IN_GROUPS),
        ({"mode": "API", "principalArn": WHO.arn}, R, NO_POLICY),
    ],
)
def test_what_an_entry_allows_in_the_namespace(
    seen: dict[str, Any], r: AwsResources, verdict: Verdict
) -> None:
    assert entering(seen, r) == verdict


def test_the_policy_is_of_the_cluster_s_partition() -> None:
    assert entering(entry(), CHINA).remedy == associate("aws-cn", "cn-north-1")


# --- the endpoint


RESTRICT = (
    "aws eks update-cluster-config --name c --region eu-west-1 --resources-vpc-config "
    "endpointPublicAccess=true,endpointPrivateAccess=true,"
    'publicAccessCidrs={}"$(curl -s https://checkip.amazonaws.com)/32"'
)
WHOLE = "it replaces the whole list: add the ZenML server's address too"
OPEN = Verdict(
    WARN,
    "its endpoint is open to every address",
    f"{RESTRICT.format('')}  # {WHOLE}",
)
WIDE = Verdict(
    WARN, OPEN.why.replace("every address", "a great part of all addresses"), OPEN.remedy
)
CLOSED = Verdict(
    WARN,
    "its endpoint is private: this machine and the ZenML server must be in its network",
    f"{RESTRICT.format('')}  # opens it to this machine's address",
)
UNTOLD = Verdict(
    UNKNOWN,
    "EKS did not tell who reaches the endpoint",
    "aws eks describe-cluster --name c --region eu-west-1",
)


def reached(words: str) -> Verdict:
    return ok(f"{words}, and was reached from here", SERVER_TOO)


def open_beside(kept: str, of: Verdict = OPEN) -> Verdict:
    return Verdict(WARN, of.why, f"{RESTRICT.format(kept)}  # {WHOLE}")


OPEN_TO_TEN = reached("its endpoint is open to 10.0.0.0/8 and its own network")


@pytest.mark.parametrize(
    ("public", "private", "cidrs", "verdict"),
    [
        (True, False, ["203.0.113.7/32"], reached("its endpoint is open to 203.0.113.7/32")),
        (True, None, ["203.0.113.7/32"], reached("its endpoint is open to 203.0.113.7/32")),
        (
            True,
            True,
            ["203.0.113.7/32", "2001:db8::/32"],
            reached("its endpoint is open to 203.0.113.7/32, 2001:db8::/32 and its own network"),
        ),
        (
            True,
            True,
            ["10.0.0.0/8"],
            reached("its endpoint is open to 10.0.0.0/8 and its own network"),
        ),
        # it is what the ranges open together that counts
        (True, True, ["0.0.0.0/1", "128.0.0.0/1"], OPEN),
        (True, True, ["0.0.0.0/2", "128.0.0.0/1", "64.0.0.0/2"], OPEN),
        (True, True, ["::/1", "8000::/1"], OPEN),
        (True, True, ["0.0.0.0/1"], WIDE),
        (True, True, ["10.0.0.0/8", "11.0.0.0/8"], open_beside("10.0.0.0/8,", WIDE)),
        (True, True, ["2000::/3"], WIDE),
        (
            True,
            True,
            ["203.0.113.7"],
            reached("its endpoint is open to 203.0.113.7 and its own network"),
        ),
        (True, True, ["0.0.0.0/0"], OPEN),
        (True, True, ["::/0"], OPEN),
        # who was let in beside everybody stays let in
        (True, True, ["203.0.113.7/32", "0.0.0.0/0"], open_beside("203.0.113.7/32,")),
        (
            True,
            True,
            ["::/0", "10.0.0.0/8", "203.0.113.7/32"],
            open_beside("10.0.0.0/8,203.0.113.7/32,"),
        ),
        # an endpoint without a list is open to all
        (True, True, [], OPEN),
        (True, False, None, OPEN),
        (False, True, ["203.0.113.7/32"], CLOSED),
        (False, False, ["0.0.0.0/0"], CLOSED),
        (False, True, None, CLOSED),
        (None, True, ["203.0.113.7/32"], UNTOLD),
        (None, False, None, UNTOLD),
    ],
)
def test_who_reaches_the_endpoint(
    public: bool | None, private: bool | None, cidrs: list[str] | None, verdict: Verdict
) -> None:
    told = {
        "endpointPublicAccess": public,
        "endpointPrivateAccess": private,
        "publicAccessCidrs": cidrs,
    }
    network = {key: value for key, value in told.items() if value is not None}
    assert evaluate_endpoint({"resourcesVpcConfig": network}, R, bool(public)) == verdict


def test_to_let_this_machine_in_is_to_say_who_is_let_in_already() -> None:
    network = {"endpointPublicAccess": True, "publicAccessCidrs": ["203.0.113.7/32", "10.0.0.0/8"]}
    assert evaluate_endpoint({"resourcesVpcConfig": network}, R, False) == Verdict(
        WARN,
        "its endpoint is open to 203.0.113.7/32, 10.0.0.0/8, and was not reached from here: "
        "this machine is not among them",
        f"{RESTRICT.format('203.0.113.7/32,10.0.0.0/8,')}  # {WHOLE}",
    )


def test_ranges_that_are_none_say_nothing() -> None:
    network = {"endpointPublicAccess": True, "publicAccessCidrs": ["203.0.113.0/24", "ours"]}
    found = evaluate_endpoint({"resourcesVpcConfig": network}, R, True)
    assert found == unknown(
        "EKS tells addresses that are none: 203.0.113.0/24, ours",
        "aws eks describe-cluster --name c --region eu-west-1",
    )


@pytest.mark.parametrize(
    ("public", "reached", "status"),
    [
        (True, True, OK),
        (True, False, WARN),
        (True, Skipped("no address"), UNKNOWN),
        (False, True, OK),
        (False, False, WARN),
        (False, Skipped("no address"), UNKNOWN),
    ],
)
def test_an_endpoint_that_is_out_of_reach_is_no_ok(
    public: bool, reached: Any, status: CheckStatus
) -> None:
    network = {"endpointPublicAccess": public, "publicAccessCidrs": ["203.0.113.7/32"]}
    found = evaluate_endpoint({"resourcesVpcConfig": network}, R, reached)
    assert found.status is status
    if reached is True:
        assert found.caveat == "whether the ZenML server reaches it was not looked at"


def test_a_cluster_without_a_network_tells_nothing() -> None:
    assert evaluate_endpoint({}, R, True) == UNTOLD


# --- who pulls


NODE, PODS = f"arn:aws:iam::{ACCOUNT}:role/nodes/node", f"arn:aws:iam::{ACCOUNT}:role/pods"
AUTO = f"arn:aws:iam::{ACCOUNT}:role/auto"
FOREIGN = f"arn:aws:iam::{OTHER}:role/node"
MANAGED = "arn:aws:iam::aws:policy/"
PULL_ONLY = "AmazonEC2ContainerRegistryPullOnly"


def may(action: str, *, allowed: bool = True) -> Decision:
    return Decision(action, "x", allowed, "allowed" if allowed else "implicitDeny")


MAY = (may("ecr:BatchGetImage"), may("ecr:GetAuthorizationToken"))
MAY_NOT = (may("a:B", allowed=False), MAY[0], may("c:D", allowed=False))
REFUSED = Denied("not you", permission="iam:SimulatePrincipalPolicy")


def attach(role: str, partition: str = "aws") -> str:
    return (
        f"aws iam attach-role-policy --role-name {role} "
        f"--policy-arn arn:{partition}:iam::aws:policy/{PULL_ONLY}"
    )


def pulling(*roles: Any, r: AwsResources = R, policy: Any = None) -> Verdict:
    return evaluate_pull(list(roles), policy or {}, r)


def repository_says(*statements: dict[str, Any]) -> dict[str, str]:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return {"policyText": json.dumps(document)}


def test_roles_that_may_pull_are_named_without_their_path() -> None:
    found = pulling((NODE, MAY, ()), (PODS, MAY, ()))
    assert found == ok("node, pods may pull, by IAM's simulation")


@pytest.mark.parametrize("first", [(PODS, MAY, ()), (PODS, REFUSED, ())])
def test_one_role_that_may_not_fails_all(first: Any) -> None:
    for roles in ([first, (NODE, MAY_NOT, ())], [(NODE, MAY_NOT, ()), first]):
        assert pulling(*roles) == Verdict(FAIL, f"{NODE} may not a:B, c:D on x", attach("node"))


def test_what_is_lacking_is_attached_in_its_partition() -> None:
    assert pulling((NODE, MAY_NOT, ()), r=CHINA).remedy == attach("node", "aws-cn")


def test_a_role_that_is_not_there_is_made_for_nodes_and_given_the_policy() -> None:
    found = pulling((PODS, MAY, ()), (NODE, NotFound("gone"), ()))
    assert (found.status, found.why) == (FAIL, f"{NODE} does not exist")
    first, _, second = str(found.remedy).partition(" && ")
    words = shlex.split(first)
    assert words[:-1] == [
        *("aws", "iam", "create-role", "--role-name", "node"),
        "--assume-role-policy-document",
    ]
    assert json.loads(words[-1])["Statement"] == [
        {
            "Sid": "Nodes",
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ]
    assert second == attach("node")


PULLS = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
LET_IN = {"Sid": "In", "Effect": "Allow", "Principal": {"AWS": FOREIGN}, "Action": PULLS}
SHOW_POLICY = (
    f"aws ecr get-repository-policy --registry-id {ACCOUNT} --repository-name team/images "
    "--region eu-central-1"
)


def test_a_role_of_another_account_needs_more_than_its_own_rights() -> None:
    expected = Verdict(
        FAIL,
        f"the repository: its policy does not allow {FOREIGN} {', '.join(PULLS)}: the repository "
        f"is of account {ACCOUNT}, whose policy must allow it too",
        SHOW_POLICY,
    )
    assert pulling((FOREIGN, MAY, ())) == expected
    assert pulling((FOREIGN, MAY, ()), (NODE, MAY, ())) == expected
    let_in = repository_says(LET_IN)
    assert pulling((FOREIGN, MAY, ()), policy=let_in).status is OK
    # and its own rights it needs all the same
    assert pulling((FOREIGN, MAY_NOT, ()), policy=let_in).status is FAIL
    assert pulling((FOREIGN, MAY, ()), policy=NotFound("gone")).status is UNKNOWN


def test_the_account_is_looked_for_in_its_place() -> None:
    misleading = f"arn:aws:iam::{OTHER}:role/{ACCOUNT}"
    assert pulling((misleading, MAY, ())).status is FAIL


ONLY = {"StringNotEquals": {"aws:PrincipalArn": WHO.arn}}


@pytest.mark.parametrize(
    ("condition", "status", "why"),
    [
        ({}, FAIL, f"the repository: its policy denies {NODE} ecr:BatchGetImage (statement No)"),
        # Two oks, and every pod ImagePullBackOff: the connector alone was asked about.
        (ONLY, FAIL, f"denies {NODE} ecr:BatchGetImage"),
        ({"StringNotEquals": {"aws:PrincipalArn": [WHO.arn, NODE]}}, OK, "node may pull"),
        ({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}, UNKNOWN, "aws:SourceVpce"),
    ],
)
@pytest.mark.parametrize("seen", [(MAY, ()), (REFUSED, (f"{MANAGED}{PULL_ONLY}",))])
def test_the_repository_s_policy_may_deny_the_nodes(
    seen: Any, condition: dict[str, Any], status: CheckStatus, why: str
) -> None:
    denial = {"Sid": "No", "Effect": "Deny", "Principal": "*", "Action": "ecr:BatchGetImage"}
    policy = repository_says({**denial, "Condition": condition} if condition else denial)
    found = pulling((NODE, *seen), policy=policy)
    assert (found.status, why in found.why) == (status, True), found
    assert found.remedy == (None if status is OK else SHOW_POLICY)


def test_a_repository_s_policy_that_was_not_read_may_deny_the_nodes() -> None:
    unseen = Denied("no", permission="ecr:GetRepositoryPolicy")
    found = pulling((NODE, MAY, ()), policy=unseen)
    assert (found.status, found.missing_permission) == (UNKNOWN, "ecr:GetRepositoryPolicy")
    assert pulling((NODE, MAY_NOT, ()), policy=unseen).status is FAIL
    assert pulling((NODE, MAY, ()), policy=NotFound("no repository")).status is OK


@pytest.mark.parametrize("by", ["organization", "boundary", None])
def test_what_no_attached_policy_mends_is_shown(by: str | None) -> None:
    above = Decision("ecr:BatchGetImage", "x", False, "explicitDeny", by)
    found = pulling((NODE, (above,), ()))
    assert found.status is FAIL
    assert str(found.remedy).startswith("aws iam simulate-principal-policy ")


@pytest.mark.parametrize(
    "name",
    [
        PULL_ONLY,
        "AmazonEC2ContainerRegistryReadOnly",
        "AmazonEC2ContainerRegistryPowerUser",
        "AmazonEC2ContainerRegistryFullAccess",
        "AmazonEKSFargatePodExecutionRolePolicy",
        "AdministratorAccess",
    ],
)
def test_where_nothing_is_simulated_a_managed_policy_will_do(name: str) -> None:
    seen = (NODE, REFUSED, (f"{MANAGED}Other", f"{MANAGED}{name}"))
    words = "by their managed policies, not simulated"
    unread = "denials in their other policies and in the organization's were not looked at"
    assert pulling(seen) == ok(f"node may pull, {words}", unread)
    assert pulling((PODS, MAY, ()), seen) == ok(f"pods, node may pull, {words}", unread)
    assert pulling((FOREIGN, *seen[1:])).status is FAIL
    assert pulling((FOREIGN, *seen[1:]), policy=repository_says(LET_IN)).status is OK


@pytest.mark.parametrize("attached", [(), (f"{MANAGED}AmazonEKSWorkerNodePolicy",)])
def test_without_simulation_and_policy_nobody_can_say(attached: tuple[str, ...]) -> None:
    expected = Verdict(
        UNKNOWN,
        f"{NODE}: not simulated (not you), and no managed pull policy is attached",
        attach("node"),
        "iam:SimulatePrincipalPolicy",
    )
    assert pulling((NODE, REFUSED, attached)) == expected
    assert pulling((NODE, REFUSED, attached), (PODS, MAY, ())) == expected
    silent = pulling((NODE, Unavailable("silence"), attached))
    assert (silent.status, silent.missing_permission) == (UNKNOWN, None)


# --- looking at who pulls


def looked(
    iam: Iam, cluster: Any = None, groups: Any = (), profiles: Any = (), r: AwsResources = R
) -> Any:
    probe = checks_of(r, iam)["aws.cluster.node_role_pull"].probe.requires[0]
    return probe.run(cluster or {}, tuple(groups), tuple(profiles))


def test_every_role_that_pulls_is_asked_about_once() -> None:
    iam = Iam()
    automatic = {"computeConfig": {"enabled": True, "nodeRoleArn": AUTO}}
    seen = looked(
        iam,
        automatic,
        [{"nodeRole": NODE}, {"nodeRole": NODE}, {"nodeRole": None}, {}],
        [{"podExecutionRoleArn": PODS}],
    )
    assert [(role, attached) for role, _, attached in seen] == [(AUTO, ()), (NODE, ()), (PODS, ())]
    images = f"arn:aws:ecr:eu-central-1:{ACCOUNT}:repository/team/images"
    assert iam.asked == {
        (role, action, thing)
        for role in (AUTO, NODE, PODS)
        for action, thing in (
            ("ecr:GetAuthorizationToken", "*"),
            ("ecr:BatchGetImage", images),
            ("ecr:GetDownloadUrlForLayer", images),
        )
    }
    assert all(decision.allowed for _, decided, _ in seen for decision in decided)


@pytest.mark.parametrize(
    "automatic",
    [
        {},
        {"computeConfig": {}},
        {"computeConfig": {"enabled": False, "nodeRoleArn": AUTO}},
        {"computeConfig": {"enabled": True}},
        {"computeConfig": {"enabled": True, "nodeRoleArn": ""}},
    ],
)
def test_auto_mode_has_a_role_only_where_it_is_on(automatic: dict[str, Any]) -> None:
    assert [role for role, *_ in looked(Iam(), automatic, [{"nodeRole": NODE}])] == [NODE]
    with pytest.raises(Skipped, match="names no role of a node") as caught:
        looked(Iam(), automatic, [{}])
    assert caught.value.remedy == "aws eks list-nodegroups --cluster-name c --region eu-west-1"


GONE = NotFound("gone")


@pytest.mark.parametrize(
    ("simulated", "attached", "decided", "policies"),
    [
        (REFUSED, ["X"], REFUSED, (f"{MANAGED}X",)),
        (REFUSED, [], REFUSED, ()),
        # a role that the listing does not find is not there
        (REFUSED, GONE, GONE, ()),
        # and of two refusals the first is told
        (REFUSED, Denied("this neither", permission="iam:List"), REFUSED, ()),
        (REFUSED, Unavailable("silence"), REFUSED, ()),
    ],
)
def test_what_was_not_simulated_is_looked_for_among_the_policies(
    simulated: ProbeError, attached: Any, decided: ProbeError, policies: tuple[str, ...]
) -> None:
    iam = Iam({NODE: simulated}, {"node": attached})
    assert looked(iam, None, [{"nodeRole": NODE}]) == [(NODE, decided, policies)]


@pytest.mark.parametrize(
    ("boundary", "why"),
    [
        ("arn:aws:iam::1:policy/edge", "boundary arn:aws:iam::1:policy/edge was not read"),
        (Unavailable("silence"), "boundary could not be looked at: silence"),
    ],
)
def test_attached_policies_do_not_tell_what_a_boundary_leaves(boundary: Any, why: str) -> None:
    iam = Iam({NODE: REFUSED}, {"node": [PULL_ONLY]})
    assert pulling(*looked(iam, None, [{"nodeRole": NODE}])).status is OK
    iam = Iam({NODE: REFUSED}, {"node": [PULL_ONLY]})
    iam.boundary = boundary
    found = pulling(*looked(iam, None, [{"nodeRole": NODE}]))
    assert (found.status, why in found.why) == (UNKNOWN, True), found


def test_the_looks_that_it_takes() -> None:
    probes = AwsProbes(Iam(), R)
    connector: Probe[Principal] = Probe("who", lambda: WHO)
    checks = {
        check.info.id: check.probe
        for check in cluster_checks(checklist(probes, R), probes, R, Iam(), connector)
    }
    pull = checks["aws.cluster.node_role_pull"]
    assert pull.after == (probes.repository_policy,)
    (roles,) = pull.requires
    assert roles.requires == (probes.cluster, probes.node_groups, probes.fargate_profiles)
    entering, who = checks["aws.cluster.access_entry"].requires
    assert (entering.requires, who) == ((probes.cluster, connector), connector)


# --- who may become what nodes and pods are


def service_trust_of(service: str, effect: str = "Allow", **condition: Any) -> dict[str, Any]:
    statement = {"Effect": effect, "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    more = {"Condition": {"StringEquals": condition}} if condition else {}
    return {**statement, **more}


def trusting(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": list(statements)}}


EC2_SERVICE, FARGATE = "ec2.amazonaws.com", "eks-fargate-pods.amazonaws.com"
SHOW_TRUST = "aws iam get-role --role-name node --query Role.AssumeRolePolicyDocument"
OURS_ALONE = {"aws:SourceAccount": ACCOUNT}


@pytest.mark.parametrize(
    ("service", "seen", "status", "words", "remedy"),
    [
        (EC2_SERVICE, trusting(service_trust_of(EC2_SERVICE)), OK, "node can be assumed", None),
        (FARGATE, trusting(service_trust_of(FARGATE, **OURS_ALONE)), OK, "can be assumed", None),
        (FARGATE, trusting(service_trust_of(EC2_SERVICE)), FAIL, f"{FARGATE} may not", "update"),
        (EC2_SERVICE, trusting(), FAIL, f"{EC2_SERVICE} may not", "update"),
        (
            EC2_SERVICE,
            trusting(service_trust_of(EC2_SERVICE), service_trust_of(EC2_SERVICE, "Deny")),
            FAIL, "denies", SHOW_TRUST,
        ),
        (
            FARGATE,
            trusting(service_trust_of(FARGATE, **{"aws:PrincipalOrgID": "o-1"})),
            UNKNOWN, "cannot be told", SHOW_TRUST,
        ),
        (EC2_SERVICE, NotFound("gone"), FAIL, "does not exist", "create"),
        (FARGATE, NotFound("gone"), FAIL, "does not exist", "create"),
        (EC2_SERVICE, Unavailable("503"), UNKNOWN, f"{NODE}: 503", SHOW_TRUST),
        (EC2_SERVICE, Unavailable("503", "wait"), UNKNOWN, "503", "wait"),
    ],
)  # fmt: skip
def test_the_service_of_a_role_can_become_it(
    service: str, seen: Any, status: CheckStatus, words: str, remedy: str | None
) -> None:
    fine = (PODS, EC2_SERVICE, trusting(service_trust_of(EC2_SERVICE)))
    # The account of a role is in its name; the registry's may be another one.
    for r in (R, replace(R, account=OTHER), replace(R, account=None)):
        found = evaluate_node_trust([(NODE, service, seen)], {}, r)
        assert (found.status, words in found.why) == (status, True), found
        if remedy == "update":
            assert str(found.remedy).startswith(
                "aws iam update-assume-role-policy --role-name node"
            )
            assert service in str(found.remedy)
        elif remedy == "create":
            assert str(found.remedy).startswith(
                "aws iam create-role --role-name node --assume-role"
            )
            assert service in str(found.remedy)
        else:
            assert found.remedy == remedy
    whole = [(NODE, service, seen), fine]
    for roles in (whole, whole[::-1]):
        assert evaluate_node_trust(roles, {}, R).status is status


def test_a_role_that_cannot_be_assumed_goes_before_one_that_nobody_knows() -> None:
    unseen = (PODS, EC2_SERVICE, Unavailable("503"))
    for roles in ([unseen, (NODE, EC2_SERVICE, trusting())], [(NODE, FARGATE, trusting()), unseen]):
        assert evaluate_node_trust(roles, {}, R).status is FAIL


def test_a_role_whose_pull_hangs_stays_unknown_whatever_its_policies_are() -> None:
    hanging = Decision("ecr:BatchGetImage", "x", True, "allowed", None, ("b:Key", "a:Key"))
    for r in (R, replace(R, account=OTHER)):
        found = pulling((NODE, (hanging,), (f"{MANAGED}{PULL_ONLY}",)), (PODS, MAY, ()), r=r)
        assert found.status is UNKNOWN
    shown = str(pulling((NODE, (hanging,), ())).remedy)
    assert shown.startswith(f"aws iam simulate-principal-policy --policy-source-arn {NODE} ")
    assert pulling((NODE, (hanging,), ())).why.endswith("on the condition keys a:Key, b:Key")
