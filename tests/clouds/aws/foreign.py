"""Let others have what a stack's names say, spoil its state, and hold the commands to what is ours.

    python -m tests.clouds.aws.foreign --worlds 100 [--seed 1]

In a world somebody else has things under some of the names that a stack takes: another team's, new
and empty ones that nothing marks, a namesake's of another stack or project with marks like ours,
another account's. The stack was never made, or its state is there, lost, in another backend, cut
off, or of a run that was killed. A few commands then make it, take it back and delete it, in any
order, with the real engine over the stand-in. After each command all that is not ours is byte for
byte as before, what "nothing was changed" is said of is too, every name that is taken is said, a
deletion that succeeds names whatever of ours it leaves, and nothing fails as by a bug. At the end
of some, where no name is taken, all is taken back and taken down. Prints one line for each fault,
with the commands before it, and figures. `pulumi` has to be on PATH.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from kitaru_iac.clouds.provider import marks
from tests.clouds.aws.figures import told
from tests.doubles.aws import ACCOUNT_ID, REGION, AwsLoopback
from tests.doubles.standin.install import install
from tests.homes import Home, make_template, ready_home
from tests.servers.releases import CACHE
from tests.warm.client import begin_run

OWN = marks("kitaru", "prod")
_DEFAULT = {"name": "prod", "type": "sagemaker", "region": REGION, "infra": "provision"}
_NAMED = _DEFAULT | {
    "artifact_store": "s3://team-data/k",
    "container_registry": f"{ACCOUNT_ID}.dkr.ecr.{REGION}.amazonaws.com/team/images",
    "execution_role": f"arn:aws:iam::{ACCOUNT_ID}:role/team-role",
    "resources": {"bucket": "create", "registry": "create", "role": "create"},
}
_CLUSTER = _DEFAULT | {
    "type": "kubernetes",
    "resources": {"cluster": "create"},
    "infrastructure": {"endpoint_access": ["203.0.113.7/32"]},
}
_BUCKET = f"kitaru-prod-{ACCOUNT_ID}-{REGION}"
#: The names that each description takes, by kind.
TAKEN: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "default": (
        _DEFAULT,
        [("bucket", _BUCKET), ("repository", "kitaru/prod"),
         ("role", f"kitaru-prod-sagemaker-{REGION}")],
    ),
    "named": (
        _NAMED,
        [("bucket", "team-data"), ("repository", "team/images"), ("role", "team-role")],
    ),
    "cluster": (
        _CLUSTER,
        [("bucket", _BUCKET), ("repository", "kitaru/prod"), ("cluster", "kitaru-prod"),
         ("role", f"kitaru-prod-cluster-{REGION}"), ("role", f"kitaru-prod-node-{REGION}"),
         ("logs", "/aws/eks/kitaru-prod/cluster")],
    ),
}  # fmt: skip
WHOSE: dict[str, dict[str, str]] = {
    "another team's": {"team": "data"},
    "nobody's": {},
    "another stack's": marks("kitaru", "other"),
    "another project's": marks("theirs", "prod"),
    "half marked": {"managed-by": "kitaru-iac", "kitaru-stack": "prod"},
}
STATES = ("never made", "there", "lost", "in another backend", "cut off", "of a killed run")
_TYPES = {
    "bucket": "aws:s3/bucket:Bucket",
    "repository": "aws:ecr/repository:Repository",
    "role": "aws:iam/role:Role",
    "cluster": "aws:eks/cluster:Cluster",
    "logs": "aws:cloudwatch/logGroup:LogGroup",
}
_NOUNS = {
    "bucket": "bucket",
    "repository": "ECR repository",
    "role": "IAM role",
    "cluster": "EKS cluster",
    "logs": "log group",
}
_ALL = ("--include-protected", "--delete-data")
_STACK = ("stack", "delete", "prod", "--recursive", "--force", "--infra", "--yes")
_INFRA = ("infra", "delete", "prod", "--yes")
_APPLY = ("stack", "apply", "-f", "stack.yaml", "--no-activate", "--no-verify", "--yes")
COMMANDS: tuple[tuple[str, ...], ...] = (
    _APPLY,
    ("stack", "create", "-f", "stack.yaml", "--no-activate", "--no-verify", "--yes"),
    (*_APPLY, "--take-back"),
    _STACK,
    (*_STACK, *_ALL),
    _INFRA,
    (*_INFRA, *_ALL),
    (*_INFRA, *_ALL, "--forget-foreign"),
    (*_INFRA, *_ALL, "-f", "stack.yaml"),
    ("stack", "delete", "prod", "--recursive"),
    ("infra", "list"),
)
Thing = tuple[str, str]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    begin_run()
    with tempfile.TemporaryDirectory() as folder, AwsLoopback(Path(folder)) as aws:
        template = make_template(CACHE)
        install(Path(folder) / "pulumi")
        rng = random.Random(given.seed)
        return told(worlds(aws, template, Path(folder), rng, given.worlds))


def worlds(
    aws: AwsLoopback, template: Home, folder: Path, rng: random.Random, count: int
) -> Iterator[str]:
    """What came of each world."""
    for number in range(count):
        home = ready_home(template, folder / f"home-{number}")
        world = World(aws, home, folder, random.Random(rng.random()))
        yield from world.lived()
        shutil.rmtree(home.path, ignore_errors=True)


# -- what exists -----------------------------------------------------------------------------------


def account(aws: AwsLoopback) -> dict[Thing, dict[str, Any]]:
    """All that can be read of each thing in both accounts."""
    found: dict[Thing, dict[str, Any]] = {}
    for client in (aws.client("s3"), aws.stranger("s3")):
        for bucket in client.list_buckets()["Buckets"]:
            found["bucket", bucket["Name"]] = _bucket(client, bucket["Name"])
    ecr, iam, eks, logs = (aws.client(name) for name in ("ecr", "iam", "eks", "logs"))
    for one in ecr.describe_repositories()["repositories"]:
        name = one["repositoryName"]
        tags = ecr.list_tags_for_resource(resourceArn=one["repositoryArn"])["tags"]
        images = ecr.list_images(repositoryName=name)["imageIds"]
        found["repository", name] = {"tags": _mapping(tags), "is": one, "images": images}
    for role in iam.list_roles()["Roles"]:
        name = role["RoleName"]
        whole = iam.get_role(RoleName=name)["Role"]
        attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        inline = {
            policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
        }
        tags = whole.pop("Tags", [])
        found["role", name] = {"tags": _mapping(tags), "is": whole, "by": [attached, inline]}
    for name in eks.list_clusters()["clusters"]:
        cluster = eks.describe_cluster(name=name)["cluster"]
        groups = eks.list_nodegroups(clusterName=name)["nodegroups"]
        found["cluster", name] = {"tags": cluster.get("tags"), "is": cluster, "groups": groups}
    for group in logs.describe_log_groups()["logGroups"]:
        tags = logs.list_tags_for_resource(resourceArn=group["arn"].removesuffix(":*"))["tags"]
        found["logs", group["logGroupName"]] = {"tags": tags, "is": group}
    return found


def _bucket(s3: Any, name: str) -> dict[str, Any]:
    def setting(read: Callable[..., Any]) -> Any:
        try:
            answer = read(Bucket=name)
        except s3.exceptions.ClientError as error:
            return error.response["Error"]["Code"]
        return {key: value for key, value in answer.items() if key != "ResponseMetadata"}

    tags = setting(s3.get_bucket_tagging)
    return {
        "tags": _mapping(tags["TagSet"]) if isinstance(tags, dict) else {},
        "settings": [
            setting(read)
            for read in (
                s3.list_object_versions, s3.get_bucket_policy, s3.get_bucket_versioning,
                s3.get_bucket_lifecycle_configuration, s3.get_bucket_encryption,
                s3.get_public_access_block, s3.get_bucket_ownership_controls, s3.get_bucket_acl,
            )
        ],
    }  # fmt: skip


def _mapping(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def is_ours(thing: dict[str, Any]) -> bool:
    """Whether it has all our marks."""
    return OWN.items() <= thing["tags"].items()


# -- a world ---------------------------------------------------------------------------------------


@dataclass
class World:
    """An account, the state of a stack in it, and the commands that are given there."""

    aws: AwsLoopback
    home: Home
    folder: Path
    rng: random.Random
    told: list[str] = field(default_factory=list)
    theirs: dict[Thing, dict[str, Any]] = field(default_factory=dict)

    def lived(self) -> Iterator[str]:
        """What came of it: a fault for each property that did not hold, else how it was."""
        self.aws.reset()
        kind = self.rng.choices(list(TAKEN), (5, 5, 1))[0]
        described, self._names = TAKEN[kind]
        (self.home.path / "stack.yaml").write_text(yaml.safe_dump(described))
        self._state = self.rng.choice(STATES)
        self.told = [f"{kind}, state {self._state}"]
        for number, (what, tags) in enumerate(WHOSE.items()):
            self._plant("bucket", f"bystander-{number}", what, tags, full=True)
        if self._state != "never made":
            made = self._command(*_APPLY)
            if made["code"] != 0:  # in an account where nobody has a name: the machine is too busy
                yield f"not made: {made['error']['message']}: {made['error'].get('why')}"
                return
        self._spoil()
        before = account(self.aws)
        self.theirs = {thing: before[thing] for thing in self.theirs}
        faults = 0
        for _ in range(self.rng.choice((2, 3, 4))):
            for fault in self._looked(self.rng.choice(COMMANDS)):
                faults += 1
                yield f"FAULT: {fault}: {'; '.join(self.told)}"
            if faults:
                return
        taken = [thing for thing in self._names if thing in self.theirs]
        if not taken and self.rng.random() < 0.5 and (stuck := self._stuck()):
            yield f"FAULT: {stuck}: {'; '.join(self.told)}"
            return
        yield f"state {self._state}, {'names taken' if taken else 'no name taken'}: as it should"

    def _spoil(self) -> None:
        """Give some names to others, and the state what it is to have."""
        places = [self.home.config / "kitaru" / "state"]
        if self._state == "lost":
            shutil.rmtree(places[0])
        elif self._state == "cut off":
            (state,) = places[0].rglob("stacks/**/prod.json")
            text = state.read_bytes()
            state.write_bytes(text[: self.rng.randrange(len(text))])
            if self.rng.random() < 0.3:
                state.with_name("prod.json.bak").unlink(missing_ok=True)
        elif self._state == "of a killed run":
            self._begin_again(places[0])
        share = self.rng.choice((0.0, 0.4, 0.4, 0.8))
        for kind, name in self._names:
            if self.rng.random() < share:
                self._remove(kind, name)
                what = self.rng.choice([*WHOSE, "a stranger's"] if kind == "bucket" else [*WHOSE])
                self._plant(kind, name, what, WHOSE.get(what, {}), full=self.rng.random() < 0.5)

    def _begin_again(self, place: Path) -> None:
        """Let the state know of one thing no more than that a run had begun to make it."""
        (file,) = place.rglob("stacks/**/prod.json")
        state = json.loads(file.read_text())
        latest = state["checkpoint"]["latest"]
        kind, name = self.rng.choice(self._names)
        (begun,) = [
            one for one in latest["resources"] if one["type"] == _TYPES[kind] and one["id"] == name
        ]
        gone = {begun["urn"]}
        for one in latest["resources"]:  # each comes after what it stands on
            if gone & {one.get("parent"), *(one.get("dependencies") or ())}:
                gone.add(one["urn"])
        latest["resources"] = [one for one in latest["resources"] if one["urn"] not in gone]
        noted = {key: value for key, value in begun.items() if key not in {"id", "outputs"}}
        latest["pending_operations"] = [{"resource": noted, "type": "creating"}]
        file.write_text(json.dumps(state))
        self.told.append(f"{kind} begun")

    def _remove(self, kind: str, name: str) -> None:
        """Delete what the stack made there."""
        if (kind, name) not in account(self.aws):
            return
        if kind == "bucket":
            s3 = self.aws.client("s3")
            s3.delete_bucket_policy(Bucket=name)
            s3.delete_bucket_tagging(Bucket=name)  # moto keeps them for the next one of the name
            s3.delete_bucket(Bucket=name)
        elif kind == "repository":
            self.aws.client("ecr").delete_repository(repositoryName=name, force=True)
        elif kind == "role":
            iam = self.aws.client("iam")
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
                iam.delete_role_policy(RoleName=name, PolicyName=policy)
            for one in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
                iam.detach_role_policy(RoleName=name, PolicyArn=one["PolicyArn"])
            iam.delete_role(RoleName=name)
        elif kind == "cluster":
            eks = self.aws.client("eks")
            for group in eks.list_nodegroups(clusterName=name)["nodegroups"]:
                eks.delete_nodegroup(clusterName=name, nodegroupName=group)
            eks.delete_cluster(name=name)
        else:
            self.aws.client("logs").delete_log_group(logGroupName=name)

    def _plant(self, kind: str, name: str, what: str, tags: dict[str, str], *, full: bool) -> None:
        """Let somebody else have a thing."""
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        if kind == "bucket":
            s3 = self.aws.stranger("s3") if what == "a stranger's" else self.aws.client("s3")
            where = {"LocationConstraint": REGION}
            s3.create_bucket(Bucket=name, CreateBucketConfiguration=where)
            if full:
                s3.put_object(Bucket=name, Key="theirs", Body=b"years of work")
            if tags:
                s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": pairs})
        elif kind == "repository":
            ecr = self.aws.client("ecr")
            ecr.create_repository(repositoryName=name, tags=pairs)
            if full:
                manifest = json.dumps({"schemaVersion": 2, "mediaType": _MANIFEST, "layers": []})
                ecr.put_image(repositoryName=name, imageTag="one", imageManifest=manifest)
        elif kind == "role":
            self.aws.role(name, policy=_ANYTHING if full else None)
            self.aws.client("iam").tag_role(RoleName=name, Tags=pairs)
        elif kind == "cluster":
            self.aws.cluster(name, node_groups=int(full), tags=tags)
        else:
            self.aws.client("logs").create_log_group(logGroupName=name, tags=tags)
        self.theirs[kind, name] = {}
        if not name.startswith("bystander"):
            self.told.append(f"{kind} {what}, {'with data' if full else 'empty'}")

    def _stuck(self) -> str | None:
        """Why what is ours can be neither taken back nor taken down, where no name is taken."""
        for words in ((*_APPLY, "--take-back"), (*_STACK, *_ALL)):
            done = self._command(*words)
            if done["code"] != 0:
                return f"no way on, {' '.join(words)}: {json.dumps(done)[:1500]}"
        left = [thing for thing, found in account(self.aws).items() if is_ours(found)]
        return f"a deletion leaves {left}" if left else None

    # -- commands

    def _command(self, *words: str, backend: str | None = None) -> dict[str, Any]:
        env = {**self.aws.env(), "PULUMI_HOME": str(self.folder / "pulumi"),
               "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
               "PATH": os.environ["PATH"]}  # fmt: skip
        if backend is not None:
            env["PULUMI_BACKEND_URL"] = backend
        done = self.home.kitaru(*words, "-o", "json", **env)
        text = done.stdout or done.stderr
        try:
            document = json.loads(text)
        except ValueError:
            document = {"error": {"code": "no document", "message": text[-2000:]}}
        return {"code": done.returncode, "notes": done.stderr, **document}

    def _looked(self, words: tuple[str, ...]) -> Iterator[str]:
        """Give a command; yields what was wrong with what it did and said."""
        before = account(self.aws)
        elsewhere = self._state == "in another backend" and self.rng.random() < 0.7
        other = self.home.path / "elsewhere"
        other.mkdir(exist_ok=True)
        done = self._command(*words, backend=other.as_uri() if elsewhere else None)
        after = account(self.aws)
        error = done.get("error") or {}
        said = json.dumps({key: value for key, value in done.items() if key != "code"})
        where = " from elsewhere" if elsewhere else ""
        self.told.append(f"{' '.join(words)}{where}: {done['code']} {error.get('code', '')}")
        for thing, was in self.theirs.items():
            if after.get(thing) != was:
                yield f"{thing} is theirs, and was changed"
        if error.get("code") in {"internal_error", "no document"}:
            yield f"it fails as by a bug: {said[:1500]}"
        if "othing was changed" in said and after != before:
            yield "it says that nothing was changed"
        taken = [thing for thing in self._names if thing in self.theirs]
        if words[1] in {"apply", "create"}:
            if done["code"] == 0 and taken:
                yield "it took what is theirs"
            missing = [thing for thing in self._names if thing not in after]
            if done["code"] == 0 and missing:
                yield f"it says that all is made, and {missing} is not there"
            if "would take names" in str(error.get("message")):
                unsaid = [name for kind, name in taken if f"{_NOUNS[kind]} {name}" not in said]
                if unsaid:
                    yield f"it does not say that {unsaid} are taken: {error}"
        if (words[1] == "delete" and "--infra" in words) or words[0] == "infra":
            left = [thing for thing, is_there in after.items() if is_ours(is_there)]
            if done["code"] == 0 and words[1] == "delete":
                silent = [name for _, name in left if name not in said]
                if silent:
                    yield f"it succeeds, and leaves {silent} in silence: {said[:1500]}"
            if "othing was deleted" in said and before.keys() - after.keys():
                yield "it says that nothing was deleted"
        if error and not error.get("remedy"):
            yield f"an error without a remedy: {said[:1500]}"


_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_ANYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
}

if __name__ == "__main__":
    sys.exit(main())
