"""The judgements about what pods need beside nodes, and about what takes away what is stored."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import Any

import pytest

from kitaru_iac.checks.cluster_rights import POD_RIGHTS, rights_for
from kitaru_iac.checks.kubernetes_api import NotInCluster, NotLetIn
from kitaru_iac.checks.model import CheckStatus, Verdict
from kitaru_iac.checks.probes import Denied, NotFound, Unavailable
from kitaru_iac.clouds.aws.decisions import LIMITS
from kitaru_iac.clouds.aws.observations import PodIdentity, Subnets
from kitaru_iac.clouds.aws.resources import AwsResources, aws_resources
from kitaru_iac.clouds.aws.simulate import Decision
from kitaru_iac.clouds.aws.verify_addons import evaluate_addons, unmanaged
from kitaru_iac.clouds.aws.verify_lifecycle import evaluate_image_lifecycle, evaluate_rules
from kitaru_iac.clouds.aws.verify_pods import Pods, evaluate_pod_identity, evaluate_subnets
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.uris import EcrUri
from tests.clouds.aws import cli

OK, WARN, FAIL, UNKNOWN = CheckStatus
ACCOUNT, REGION = "123456789012", "eu-west-1"
R = AwsResources(
    "prod", StackType.KUBERNETES, region=REGION, account=ACCOUNT, bucket="b", prefix="kitaru",
    repository="team/images", cluster="c", namespace="ml", rights=rights_for({}),
)  # fmt: skip
AUTO = {"computeConfig": {"enabled": True}}
NAMES = ("vpc-cni", "kube-proxy", "coredns", "eks-pod-identity-agent")


def addons(**states: Any) -> tuple[dict[str, Any], ...]:
    said = {"status": "ACTIVE"}
    given = {name.replace("_", "-"): state for name, state in states.items()}
    return tuple(
        {"addonName": n, **(said if given.get(n, said) is None else given.get(n, said))}
        for n in (*NAMES, *(given.keys() - set(NAMES)))
        if given.get(n, said) != "gone"
    )


# --- add-ons


@pytest.mark.parametrize(
    ("seen", "cluster", "status", "why"),
    [
        (addons(), {}, OK, "vpc-cni, kube-proxy, coredns work"),
        (addons(coredns={"status": "UPDATING"}), {}, OK, "work"),
        (addons(coredns={"status": "DEGRADED"}), {}, WARN, "coredns is DEGRADED"),
        (addons(vpc_cni={"status": "CREATE_FAILED"}), {}, WARN, "vpc-cni is CREATE_FAILED"),
        (addons(kube_proxy={"status": "CREATING"}), {}, WARN, "kube-proxy is CREATING"),
        (addons(kube_proxy={"status": "DELETING"}), {}, WARN, "kube-proxy is DELETING"),
        (addons(coredns={"status": "UPDATE_FAILED", "health": {"issues": [
            {"code": "ConfigurationConflict", "message": "x"}]}}), {}, WARN,
         "coredns is UPDATE_FAILED (ConfigurationConflict: x)"),
        (addons(eks_pod_identity_agent={"status": "DEGRADED"}), {}, WARN, "agent is DEGRADED"),
        (addons(dashboard={"status": "DEGRADED"}), {}, OK, "work"),
        ((), AUTO, OK, "Auto Mode"),
    ],
)  # fmt: skip
def test_add_ons(seen: Any, cluster: Any, status: CheckStatus, why: str) -> None:
    found = evaluate_addons(seen, cluster, {}, R)
    assert (found.status, why in found.why, found.caveat) == (status, True, None), found
    if found.remedy:
        cli.understands(found.remedy)


READY = {"metadata": {}, "status": {"desiredNumberScheduled": 2, "numberReady": 2}}
SOME_READY = {"metadata": {}, "status": {"desiredNumberScheduled": 2, "numberReady": 1}}
NONE_READY = {"metadata": {}, "status": {"desiredNumberScheduled": 2, "numberReady": 0}}


@pytest.mark.parametrize(
    ("inside", "status", "why"),
    [
        ({"vpc-cni": READY, "kube-proxy": READY, "coredns": {"status": {"readyReplicas": 1}}},
         OK, "vpc-cni, kube-proxy, coredns run, as the cluster says"),
        ({"vpc-cni": READY}, OK, "kube-proxy, coredns work, as EKS says; vpc-cni run"),
        # On Fargate alone nothing schedules them.
        ({"vpc-cni": {"status": {"desiredNumberScheduled": 0}}}, OK, "vpc-cni run"),
        ({"vpc-cni": NONE_READY}, WARN, "no pod of vpc-cni"),
        ({"vpc-cni": SOME_READY}, WARN, "vpc-cni is ready on 1 of 2 nodes"),
        ({"vpc-cni": {"metadata": {}}}, UNKNOWN, "does not say on how many nodes vpc-cni"),
        ({"kube-proxy": {"status": "up"}}, UNKNOWN, "does not say on how many nodes kube-proxy"),
        ({"coredns": {"status": {}}}, WARN, "no pod of coredns"),
        ({"coredns": {"status": "up"}}, WARN, "no pod of coredns"),
        ({"vpc-cni": NotInCluster("none")}, UNKNOWN, "no daemonset aws-node: whether something"),
        ({"coredns": NotLetIn("the cluster answered 403")}, UNKNOWN, "coredns was not seen"),
        ({"kube-proxy": Unavailable("silence")}, UNKNOWN, "kube-proxy was not seen: silence"),
        ({"coredns": Unavailable("silence"), "vpc-cni": NONE_READY}, WARN, "vpc-cni"),
    ],
)  # fmt: skip
def test_add_ons_that_nobody_manages(inside: Any, status: CheckStatus, why: str) -> None:
    managed = addons(**{name.replace("-", "_"): "gone" for name in inside})
    assert unmanaged(managed, {}) == tuple(name for name in NAMES if name in inside)
    assert unmanaged(managed, AUTO) == ()
    found = evaluate_addons(managed, {}, inside, R)
    assert (found.status, why in found.why, found.caveat) == (status, True, None), found
    assert (found.remedy or "kubectl get").startswith("kubectl get")


# --- the pods' identity

#: The cluster has the one that is in every namespace; ZenML has not made its own yet.
ACCOUNTS: dict[str, Any] = {"zenml-service-account": {}, "default": {"metadata": {}}}


def identity(
    roles: tuple[PodIdentity, ...],
    agents: Any,
    cluster: Any,
    r: AwsResources,
    accounts: dict[str, Any] = ACCOUNTS,
    **rights: Any,
) -> Verdict:
    decided = {one.arn: (rights.get("decisions", MAY), rights.get("key")) for one in roles}
    denied = rights.get("denied", ())
    return evaluate_pod_identity(Pods(roles, accounts, decided, denied, agents, cluster), r)


ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/pods"
MAY = (Decision("s3:GetObject", "arn:aws:s3:::b/kitaru/*", allowed=True, why="allowed"),)
MAY_NOT = (replace(MAY[0], allowed=False, why="implicitDeny"),)
HANGS = (replace(MAY[0], missing_context=("aws:SourceVpc",)),)
ACTIONS = ["sts:AssumeRole", "sts:TagSession"]


def trust(action: Any = ACTIONS, effect: str = "Allow", **condition: Any) -> dict[str, Any]:
    statement = {"Effect": effect, "Principal": {"Service": "pods.eks.amazonaws.com"}}
    more = {"Condition": condition} if condition else {}
    return {**statement, "Action": action, **more}


def role(*statements: dict[str, Any]) -> PodIdentity:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return PodIdentity("default", ROLE, {"Arn": ROLE, "AssumeRolePolicyDocument": document})


def equals(key: str, value: str) -> dict[str, Any]:
    return {"StringEquals": {key: value}}


EC2 = {**trust(), "Principal": {"Service": "ec2.amazonaws.com"}}
CLUSTER_ARN = f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/c"


@pytest.mark.parametrize(
    ("one", "status", "why"),
    [
        (role(trust()), OK, "pods can become pods"),
        (role(trust("sts:*")), OK, ""),
        (role(trust(**equals("aws:SourceAccount", ACCOUNT))), OK, ""),
        (role(trust(ArnEquals={"aws:SourceArn": CLUSTER_ARN})), OK, ""),
        (role(trust(ArnLike={"aws:SourceArn": CLUSTER_ARN + "-old"})), WARN, "may not"),
        (role(trust(**equals("aws:RequestTag/kubernetes-namespace", "ml"))), OK, ""),
        (role(trust(**equals("aws:RequestTag/kubernetes-namespace", "prod"))), WARN, "may not"),
        (role(trust(**equals("aws:RequestTag/kubernetes-service-account", "x"))), WARN, "may not"),
        (role(trust(**equals("aws:RequestTag/eks-cluster-name", "c"))), OK, ""),
        (role(trust(**equals("aws:SourceAccount", "999999999999"))), WARN, "may not"),
        (role(trust(**equals("aws:PrincipalOrgID", "o-1"))), UNKNOWN, "cannot be told"),
        (role(trust("sts:AssumeRole")), WARN, "may not sts:TagSession"),
        (role(trust("sts:TagSession")), WARN, "may not sts:AssumeRole"),
        (role(EC2), WARN, "may not sts:AssumeRole"),
        (role(trust(), trust(effect="Deny")), WARN, "denies"),
        (role(), WARN, "may not"),
        (PodIdentity("default", ROLE, NotFound("gone")), WARN, "does not exist"),
        (PodIdentity("default", ROLE, Denied("no", permission="iam:GetRole")), UNKNOWN, "no"),
        (PodIdentity("default", ROLE, Unavailable("silence")), UNKNOWN, "silence"),
    ],
)
def test_the_role_of_pods(one: PodIdentity, status: CheckStatus, why: str) -> None:
    found = identity((one,), addons(), {}, R)
    assert (found.status, why in found.why) == (status, True), found
    if found.remedy:
        cli.understands(found.remedy)


SHOW = "aws iam get-role --role-name pods --query Role.AssumeRolePolicyDocument"


@pytest.mark.parametrize(
    ("one", "remedy"),
    [
        (role(EC2), "aws iam update-assume-role-policy --role-name pods --policy-document "),
        # What denies is not mended by one more statement.
        (role(trust(), trust(effect="Deny")), SHOW),
        (role(trust(**equals("aws:PrincipalOrgID", "o-1"))), SHOW),
        (
            PodIdentity("default", ROLE, NotFound("gone")),
            "aws iam create-role --role-name pods --assume-role-policy-document ",
        ),
        (PodIdentity("default", ROLE, Unavailable("silence")), SHOW),
        (PodIdentity("default", ROLE, Unavailable("silence", "wait")), "wait"),
    ],
)
def test_the_role_of_pods_is_mended_or_shown(one: PodIdentity, remedy: str) -> None:
    found = identity((one,), addons(), {}, R)
    assert str(found.remedy).startswith(remedy)
    assert remedy.endswith(" ") or found.remedy == remedy


def test_a_role_by_way_of_another_is_not_known() -> None:
    target = "arn:aws:iam::999999999999:role/data"
    found = identity((replace(role(trust()), target=target),), addons(), {}, R)
    assert (found.status, f"become {target} by way of {ROLE}" in found.why) == (UNKNOWN, True)
    cli.understands(str(found.remedy))
    # What is wrong with the way there goes first.
    found = identity((replace(role(EC2), target=target),), addons(), {}, R)
    assert found.status is WARN


def test_a_role_is_mended_without_losing_what_it_trusts() -> None:
    found = identity((role(EC2),), addons(), {}, R)
    document = json.loads(shlex.split(str(found.remedy))[-1])
    ours = trust(
        ArnEquals={"aws:SourceArn": CLUSTER_ARN}, StringEquals={"aws:SourceAccount": ACCOUNT}
    )
    assert document == {"Version": "2012-10-17", "Statement": [EC2, ours]}
    # The account of a description is the registry's, which may be another one.
    for r in (R, replace(R, account=None), replace(R, account="999999999999")):
        gone = PodIdentity("default", ROLE, NotFound("gone"))
        new = identity((gone,), addons(), {}, r)
        assert json.loads(shlex.split(str(new.remedy))[-1])["Statement"] == [ours]
        # What is told to be made is what is looked for.
        assert identity((role(ours),), addons(), {}, r).status is OK
        mended = identity((role(EC2),), addons(), {}, r)
        assert mended.remedy == found.remedy


@pytest.mark.parametrize("account", [ACCOUNT, None, "999999999999"])
def test_the_account_of_pods_is_that_of_their_role(account: str | None) -> None:
    own = role(trust(**equals("aws:SourceAccount", ACCOUNT)))
    found = identity((own,), addons(), {}, replace(R, account=account))
    assert found.status is OK
    assert found.why == "pods can become pods; IAM Access Analyzer was not asked"
    assert found.caveat == LIMITS


def test_a_role_of_pods_is_asked_what_it_may_do() -> None:
    found = identity((role(trust()),), addons(), {}, R, decisions=MAY_NOT)
    assert (found.status, "refused to the code of steps" in found.why) == (WARN, True)
    assert str(found.remedy).startswith("aws iam put-role-policy --role-name pods ")
    cli.understands(str(found.remedy))
    hangs = identity((role(trust()),), addons(), {}, R, decisions=HANGS)
    assert (hangs.status, "aws:SourceVpc" in hangs.why) == (UNKNOWN, True)
    denied = Denied("no", permission="kms:DescribeKey")
    unkeyed = identity((role(trust()),), addons(), {}, R, key=denied)
    assert (unkeyed.status, unkeyed.missing_permission) == (UNKNOWN, "kms:DescribeKey")
    # Without its trust, it has no rights in a pod.
    assert "may not sts" in identity((role(),), addons(), {}, R, decisions=MAY_NOT).why


def test_rights_that_were_not_seen_are_unknown() -> None:
    seen = Pods((role(trust()),), ACCOUNTS, {}, (), addons(), {})
    assert evaluate_pod_identity(seen, R).status is OK  # without a bucket nothing is asked
    denied = Denied("no", permission="iam:SimulatePrincipalPolicy")
    found = evaluate_pod_identity(replace(seen, rights={ROLE: denied}), R)
    assert (found.status, found.missing_permission) == (UNKNOWN, denied.permission)


NAMED = replace(
    R, pod_accounts=("runner", "steps"), rights=rights_for({"service_account_name": "runner"})
)
THERE: dict[str, Any] = {"runner": {"metadata": {}}, "steps": {"metadata": {}}}


@pytest.mark.parametrize(
    ("r", "accounts", "status", "why"),
    [
        (R, ACCOUNTS, OK, "no role is given to the pods of zenml-service-account and default"),
        (R, {**ACCOUNTS, "default": {"metadata": None}}, OK, "the connector's credentials"),
        (R, {**ACCOUNTS, "default": NotLetIn("answered 403")}, UNKNOWN, "was not seen: answered"),
        (NAMED, THERE, OK, "no role is given to the pods of runner and steps in ml"),
        (NAMED, {**THERE, "steps": {}}, FAIL, "the service account steps does not exist in ml"),
        (NAMED, {**THERE, "runner": {}}, FAIL, "the service account runner does not exist in ml"),
        (
            NAMED,
            {**THERE, "runner": NotLetIn("answered 403")},
            UNKNOWN,
            "runner exists in ml was not seen",
        ),
        (replace(R, pod_accounts=("{{s.k}}",)), {}, UNKNOWN, "in ZenML's secret {{s.k}}"),
    ],
)
def test_the_accounts_of_pods(
    r: AwsResources, accounts: Any, status: CheckStatus, why: str
) -> None:
    found = identity((), addons(), {}, r, accounts)
    assert (found.status, why in found.why, found.caveat) == (status, True, None), found


def test_a_role_is_of_no_use_without_its_account() -> None:
    at_runner = replace(role(trust()), account="runner")
    assert identity((at_runner,), addons(), {}, NAMED, {**THERE, "runner": {}}).status is FAIL


def test_a_named_account_may_do_what_the_orchestrators_pod_does() -> None:
    lacking = tuple(right for right in POD_RIGHTS if right.verb == "create")
    found = identity((), addons(), {}, NAMED, THERE, denied=lacking)
    assert (found.status, "runner may not create jobs in ml" in found.why) == (FAIL, True)
    assert str(found.remedy).startswith("kubectl create rolebinding runner-edit --clusterrole edit")
    unseen = identity((), addons(), {}, NAMED, THERE, denied=NotLetIn("answered 403"))
    assert (unseen.status, "runner may do in ml was not seen" in unseen.why) == (UNKNOWN, True)
    # ZenML binds the role to its own.
    for r in (R, replace(NAMED, pod_accounts=("{{s.k}}", "default"))):
        assert identity((), addons(), {}, r, ACCOUNTS, denied=lacking).status is not FAIL


def test_what_is_known_to_be_wrong_is_not_hidden_behind_what_was_not_seen() -> None:
    unseen = {**THERE, "runner": NotLetIn("answered 403")}
    gone = replace(role(trust()), account="runner", role=NotFound("gone"))
    found = identity((gone,), addons(), {}, NAMED, unseen)
    assert (found.status, "does not exist" in found.why) == (WARN, True), found
    lacking = tuple(right for right in POD_RIGHTS if right.verb == "create")
    found = identity((), addons(), {}, NAMED, unseen, denied=lacking)
    assert (found.status, "runner may not create jobs in ml" in found.why) == (FAIL, True), found


ADDON = "--cluster-name c --addon-name eks-pod-identity-agent"


@pytest.mark.parametrize(
    ("agents", "remedy", "permission"),
    [
        (addons(eks_pod_identity_agent="gone"), f"aws eks create-addon {ADDON}", None),
        (
            addons(eks_pod_identity_agent={"status": "DEGRADED"}),
            f"aws eks describe-addon {ADDON} --query 'addon.[status,health]'",
            None,
        ),
        (
            Denied("no", permission="eks:ListAddons"),
            f"aws eks create-addon {ADDON}",
            "eks:ListAddons",
        ),
    ],
)
def test_the_agent_is_added_or_shown(agents: Any, remedy: str, permission: str | None) -> None:
    found = identity((role(trust()),), agents, {}, R)
    assert (found.remedy, found.missing_permission) == (f"{remedy} --region {REGION}", permission)


@pytest.mark.parametrize(
    ("agents", "cluster", "status", "why"),
    [
        (addons(eks_pod_identity_agent="gone"), {}, WARN, "is not there"),
        (addons(eks_pod_identity_agent={"status": "CREATE_FAILED"}), {}, WARN, "CREATE_FAILED"),
        (addons(eks_pod_identity_agent="gone"), AUTO, OK, "can become"),
        (Denied("no", permission="eks:ListAddons"), {}, UNKNOWN, "could not be looked at"),
        (Denied("no", permission="eks:ListAddons"), AUTO, OK, "can become"),
    ],
)
def test_the_agent_that_gives_pods_their_credentials(
    agents: Any, cluster: Any, status: CheckStatus, why: str
) -> None:
    found = identity((role(trust()),), agents, cluster, R)
    assert (found.status, why in found.why) == (status, True), found
    # Without an association, nothing needs it.
    assert identity((), agents, cluster, R).status is OK


def test_what_is_wrong_goes_before_what_nobody_knows() -> None:
    unseen = PodIdentity("zenml-service-account", ROLE, Unavailable("silence"))
    for order in ((unseen, role()), (role(), unseen)):
        assert identity(order, addons(), {}, R).status is WARN
    # the agent that is known to be away too
    agents = addons(eks_pod_identity_agent="gone")
    assert identity((unseen,), agents, {}, R).status is WARN


@pytest.mark.parametrize(
    ("given", "accounts"),
    [
        ({}, ("zenml-service-account", "default")),
        ({"service_account_name": "own"}, ("own",)),
        ({"step_pod_service_account_name": "steps"}, ("zenml-service-account", "steps")),
        ({"service_account_name": "own", "step_pod_service_account_name": "steps"},
         ("own", "steps")),
    ],
)  # fmt: skip
def test_the_accounts_are_those_that_zenml_uses(given: Any, accounts: tuple[str, ...]) -> None:
    spec = from_mapping(
        {"name": "prod", "type": "kubernetes", "region": REGION, "artifact_store": "s3://artifacts",
         "container_registry": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com", "cluster": "c",
         "extra": {"orchestrator": given}}
    )  # fmt: skip
    assert aws_resources(spec).pod_accounts == accounts


# --- subnets


@pytest.mark.parametrize(
    ("free", "is_fargate", "status", "why"),
    [
        ({"a": 200, "b": 0}, False, OK, "200 addresses are left in 2"),
        ({"a": 16, "b": 0}, False, OK, "16"),
        ({"a": 15, "b": 0}, False, WARN, "15 addresses are left"),
        ({"a": 0, "b": 0}, False, WARN, "no address is left"),
        ({"a": 0, "b": 0}, True, FAIL, "each pod of Fargate takes one"),
        ({"a": 200}, False, WARN, "there is no subnet b"),
        ({}, False, FAIL, "there are no subnets a, b"),
    ],
)
def test_subnets(free: Any, is_fargate: bool, status: CheckStatus, why: str) -> None:
    found = evaluate_subnets(Subnets(("a", "b"), free, is_fargate), R)
    assert (found.status, why in found.why) == (status, True), found
    if found.remedy:
        cli.understands(found.remedy)


# --- rules of the bucket


def rule(prefix: str | None = "", **what: Any) -> dict[str, Any]:
    where = {} if prefix is None else {"Filter": {"Prefix": prefix}}
    return {"ID": "x", "Status": "Enabled", **where, **what}


DELETES = {"Expiration": {"Days": 30}}
TAGGED = {"Filter": {"Tag": {"Key": "tmp", "Value": "1"}}}


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (rule(**DELETES), WARN),
        (rule("kitaru", **DELETES), WARN),
        (rule("kitaru/", **DELETES), WARN),
        (rule("kitaru/run-logs/", **DELETES), WARN),
        (rule("k", **DELETES), WARN),
        (rule("kitaru-old/", **DELETES), OK),
        (rule("other/", **DELETES), OK),
        (rule(None, Prefix="", **DELETES), WARN),
        (rule(None, Prefix="other", **DELETES), OK),
        (rule(None, **DELETES), WARN),
        (rule(Expiration={"Date": "2027-01-01T00:00:00Z"}), WARN),
        (rule(Expiration={"ExpiredObjectDeleteMarker": True}), OK),
        (rule(Status="Disabled", **DELETES), OK),
        (rule(NoncurrentVersionExpiration={"NoncurrentDays": 1}), OK),
        (rule(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1}), OK),
        (rule(Transitions=[{"Days": 0, "StorageClass": "GLACIER"}]), WARN),
        (rule(Transitions=[{"Days": 90, "StorageClass": "DEEP_ARCHIVE"}]), WARN),
        (rule(Transitions=[{"Days": 0, "StorageClass": "GLACIER_IR"}]), OK),
        (rule(Transitions=[{"Days": 30, "StorageClass": "INTELLIGENT_TIERING"}]), OK),
        (rule(NoncurrentVersionTransitions=[{"StorageClass": "GLACIER"}]), OK),
        ({**rule(**DELETES), **TAGGED}, OK),
        ({**rule(**DELETES), "Filter": {"And": {"Prefix": "kitaru/", "Tags": [{}]}}}, OK),
        ({**rule(**DELETES), "Filter": {"And": {"Prefix": "other/"}}}, OK),
        ({**rule(**DELETES), "Filter": {"And": {"Prefix": "", "ObjectSizeGreaterThan": 1}}}, WARN),
        ({**rule(**DELETES), "Filter": {"ObjectSizeGreaterThan": 1}}, WARN),
    ],
)  # fmt: skip
def test_rules_of_the_bucket(found: dict[str, Any], status: CheckStatus) -> None:
    verdict = evaluate_rules({"Rules": [rule("other/", **DELETES), found]}, R)
    assert verdict.status is status, verdict
    if verdict.remedy:
        cli.understands(verdict.remedy)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ({"Expiration": {"Days": 30}}, "deletes them 30 days after they were written"),
        ({"Expiration": {"Date": "2027-01-01T00:00:00Z"}}, "deletes them on 2027-01-01"),
        (
            {"Transitions": [{"StorageClass": "GLACIER"}]},
            "moves them to GLACIER 0 days after they were written",
        ),
        (
            {"ID": None, "Transitions": [{"Days": 9, "StorageClass": "DEEP_ARCHIVE"}]},
            "moves them to DEEP_ARCHIVE 9 days after they were written",
        ),
    ],
)
def test_what_a_rule_takes_away_is_told_with_its_day(what: dict[str, Any], words: str) -> None:
    found = evaluate_rules({"Rules": [rule(**what)]}, R)
    name = "without an id" if "ID" in what else "x"
    assert found.why == (f"the rule {name} {words}: artifacts that runs still load are gone then")
    show = f"aws s3api get-bucket-lifecycle-configuration --bucket b --region {REGION}"
    left = "shows all rules; let those that are named here leave kitaru/ out"
    assert found.remedy == f"{show}  # {left}"
    whole = evaluate_rules({"Rules": [rule(**what)]}, replace(R, prefix=None))
    assert str(whole.remedy).endswith("leave the store out")


def test_a_store_that_is_the_whole_bucket_is_met_by_every_rule() -> None:
    whole = replace(R, prefix=None)
    assert evaluate_rules({"Rules": [rule("other/", **DELETES)]}, whole).status is WARN


def test_rules_by_tag_count_where_uploads_may_bring_tags() -> None:
    said = {"Rules": [{**rule(**DELETES), **TAGGED}]}
    assert evaluate_rules(said, replace(R, plain_uploads=False)).status is WARN


def test_what_is_made_here_takes_nothing_away() -> None:
    assert evaluate_rules({}, R).status is OK


# --- rules of the repository


def images(kind: str, number: Any, status: str = "any", action: str = "expire") -> dict[str, Any]:
    chosen = {"tagStatus": status, "countType": kind, "countNumber": number}
    if kind != "imageCountMoreThan":
        chosen["countUnit"] = "days"
    return {"rulePriority": 1, "selection": chosen, "action": {"type": action}}


@pytest.mark.parametrize(
    ("rules", "status", "why"),
    [
        ([images("imageCountMoreThan", 500)], OK, "keeps the last 500 images"),
        ([images("imageCountMoreThan", 10)], OK, "keeps the last 10 images"),
        (
            [images("imageCountMoreThan", 50), images("imageCountMoreThan", 20, "tagged")],
            OK,
            "keeps the last 20 images",
        ),
        ([images("imageCountMoreThan", 9)], WARN, "removes images but the last 9"),
        ([images("sinceImagePushed", 14)], WARN, "removes images 14 days after their push"),
        ([images("sinceImagePushed", 1, "untagged")], WARN, "untagged images 1 days"),
        ([images("sinceImagePushed", 1, "tagged")], WARN, "images of some tags"),
        ([images("sinceImagePulled", 90)], WARN, "after their pull"),
        ([images("sinceImagePulled", 90, action="transition")], WARN, "archives"),
        ([images("imageCountMoreThan", 50), images("sinceImagePushed", 1)], WARN, "after"),
        ([images("imageCountMoreThan", None)], WARN, "but the last None"),
        ([], OK, "nothing removes images"),
        ("x", UNKNOWN, "cannot be read"),
        ([7], UNKNOWN, "cannot be read"),
    ],
)
def test_rules_of_the_repository(rules: Any, status: CheckStatus, why: str) -> None:
    found = evaluate_image_lifecycle({"lifecyclePolicyText": json.dumps({"rules": rules})}, R)
    assert (found.status, why in found.why) == (status, True), found
    if found.remedy:
        cli.understands(found.remedy)


def test_the_rules_of_the_repository_are_shown_in_its_own_registry() -> None:
    registry = EcrUri("999999999999", "eu-central-1", "host")
    r = replace(R, registry=registry)
    text = json.dumps({"rules": [images("sinceImagePushed", 1)]})
    found = evaluate_image_lifecycle({"lifecyclePolicyText": text}, r)
    assert found.remedy == (
        "aws ecr get-lifecycle-policy --registry-id 999999999999 --repository-name team/images "
        "--region eu-central-1  # shows the rules; keep the last so many images, or all"
    )
    kept = json.dumps({"rules": [images("imageCountMoreThan", 10)]})
    assert evaluate_image_lifecycle({"lifecyclePolicyText": kept}, r).caveat == (
        "an older one that a schedule names is removed"
    )
    assert evaluate_image_lifecycle({}, r).caveat is None


def test_a_repository_without_rules_keeps_everything() -> None:
    assert evaluate_image_lifecycle({}, R).status is OK
    assert evaluate_image_lifecycle({"lifecyclePolicyText": "{"}, R).status is UNKNOWN
