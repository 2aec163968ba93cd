"""The evaluations about the artifact store's bucket."""

from __future__ import annotations

from functools import partial

from kitaru_iac.checks.checklist import Checklist
from kitaru_iac.checks.commands import note
from kitaru_iac.checks.model import Check, Verdict, fail, ok, unknown, warn
from kitaru_iac.checks.probes import NotFound, Outcome, Probe, ProbeError, all_of
from kitaru_iac.clouds.gcp.answers import BadRequest
from kitaru_iac.clouds.gcp.commands import gcloud
from kitaru_iac.clouds.gcp.observations import Bucket, Caller, Connector, Project, Raw, Tested
from kitaru_iac.clouds.gcp.probes import GcpProbes
from kitaru_iac.clouds.gcp.resources import GcpResources
from kitaru_iac.clouds.gcp.trust import public_roles
from kitaru_iac.clouds.gcp.verify_key import evaluate_key
from kitaru_iac.spec.kinds import StackType

__all__ = ["bucket_checks", "location_holds"]

#: The regions of Google's predefined dual-regions, and what its multi-regions leave out.
#: https://cloud.google.com/storage/docs/locations
_DUAL = {
    "asia1": ("asia-northeast1", "asia-northeast2"),
    "eur4": ("europe-north1", "europe-west4"),
    "eur5": ("europe-west1", "europe-west2"),
    "eur7": ("europe-west2", "europe-west3"),
    "eur8": ("europe-west3", "europe-west6"),
    "nam4": ("us-central1", "us-east1"),
}
_MULTI = {"us": "us-", "eu": "europe-", "asia": "asia-"}
#: `eu` is of member states: not London, not Zurich.
_NOT_EU = {"europe-west2", "europe-west6"}


def bucket_checks(
    checklist: Checklist[Caller], probes: GcpProbes, r: GcpResources, who: Connector
) -> list[Check[object]]:
    """The checks of the bucket that the description names."""
    assert r.bucket is not None
    uri = f"gs://{r.bucket}"
    create = create_bucket(r)
    add = partial(checklist.check, create=create)
    checks = [
        add(
            "gcp.bucket.exists",
            uri,
            probes.bucket_found,
            lambda seen: evaluate_found(seen, r),
            on_error=lambda error: _absent(error, create),
        ),
        add(
            "gcp.bucket.project",
            uri,
            all_of(probes.bucket, after=(probes.project,)),
            lambda seen: evaluate_project(seen, r),
        ),
    ]
    checks.append(
        add(
            "gcp.bucket.requester_pays",
            uri,
            _asked_without_payer(probes),
            lambda seen: evaluate_payer(seen, r, who),
        )
    )
    if r.region is not None:
        checks.append(
            add("gcp.bucket.region", uri, probes.bucket, lambda seen: evaluate_region(seen, r))
        )
    return [
        *checks,
        add(
            "gcp.bucket.public_access",
            uri,
            all_of(probes.bucket, after=(probes.bucket_policy,)),
            lambda seen: evaluate_public_access(seen, r),
        ),
        add("gcp.bucket.uniform_access", uri, probes.bucket, lambda s: evaluate_uniform(s, r)),
        add(
            "gcp.bucket.encryption",
            uri,
            all_of(probes.bucket, probes.bucket_key),
            lambda seen: evaluate_key(seen[0].key, seen[1], "storage service agent"),
        ),
        add("gcp.bucket.versioning", uri, probes.bucket, lambda s: evaluate_versioning(s, r)),
    ]


def _asked_without_payer(probes: GcpProbes) -> Probe[tuple[Bucket | BadRequest, Caller]]:
    """The settings, or the 400 that Google answers to who names no project, with who that was.

    https://cloud.google.com/storage/docs/requester-pays
    """

    def run(caller: Caller, bucket: Outcome[Bucket]) -> tuple[Bucket | BadRequest, Caller]:
        if isinstance(bucket, BadRequest) and "requester pays" in bucket.why:
            return bucket, caller
        if isinstance(bucket, ProbeError):
            raise bucket
        return bucket, caller

    return Probe("who pays", run, requires=(probes.session,), after=(probes.bucket,), inline=True)


def evaluate_payer(
    seen: tuple[Bucket | BadRequest, Caller], r: GcpResources, who: Connector
) -> Verdict:
    """Who asks has to name a project that pays, or may bill the bucket's: ZenML names none.

    Which of the two it is Google tells everybody about themselves alone.
    """
    answer, caller = seen
    own_payer = gcloud("storage", "buckets", "update", f"gs://{r.bucket}", no_requester_pays=True)
    if isinstance(answer, BadRequest):
        if who.unseen is None and who.member in {None, caller.member}:
            return fail(f"ZenML names no project that pays: {answer.why}", own_payer)
        return unknown(
            "these credentials are not let in without naming a project that pays, which ZenML "
            "does not; whether the connector and the steps may bill the bucket's own was not "
            f"seen: {answer.why}",
            own_payer,
        )
    if not answer.requester_pays:
        return ok("its own project pays for what is asked of it")
    return unknown(
        "those alone who may bill the bucket's project are let in without naming one that pays, "
        "as these credentials were; whether the connector and the steps may was not seen",
        own_payer,
    )


def create_bucket(r: GcpResources) -> str:
    """The command: private, by IAM alone."""
    return gcloud(
        "storage",
        "buckets",
        "create",
        f"gs://{r.bucket}",
        location=r.region,
        project=r.project,
        uniform_bucket_level_access=True,
        public_access_prevention=True,
    )


def _update(r: GcpResources, **options: bool) -> str:
    return gcloud("storage", "buckets", "update", f"gs://{r.bucket}", **options)


def _absent(error: ProbeError, create: str) -> Verdict | None:
    return fail("there is no bucket of this name", create) if isinstance(error, NotFound) else None


def evaluate_found(seen: Bucket | Tested, r: GcpResources) -> Verdict:
    """The settings, or what a test of permissions tells of a bucket whose settings are denied."""
    if isinstance(seen, Bucket):
        return ok(f"it exists, in {seen.location}")
    show = gcloud("storage", "buckets", "describe", f"gs://{r.bucket}")
    if seen.granted:
        return ok(
            f"it exists: these credentials have {', '.join(sorted(seen.granted))}",
            "its settings may not be read",
        )
    return unknown(
        "storage.buckets.get is denied, and a test of permissions answers none: it exists, and is "
        "not ours to see, or the name is another project's",
        note(show, "run by whoever keeps it"),
        "storage.buckets.get",
    )


def evaluate_project(seen: tuple[Bucket, Outcome[Project]], r: GcpResources) -> Verdict:
    """Its project's number beside the stack's."""
    bucket, project = seen
    show = gcloud(
        "storage",
        "buckets",
        "describe",
        f"gs://{r.bucket}",
        raw=True,
        format="value(projectNumber)",
    )
    if isinstance(project, ProbeError):
        number = bucket.project_number or "that was not told"
        return unknown(
            f"it is in the project {number}; the stack's could not be looked at: {project.why}",
            project.remedy or show,
            project.permission,
        )
    if bucket.project_number is None:
        return unknown("Google did not tell its project", show)
    if bucket.project_number == project.number:
        return ok(f"it is in the project {project.id}")
    return warn(
        f"it is in the project {bucket.project_number}, and the stack in {project.id} "
        f"({project.number}): make sure whose it is",
        note(gcloud("projects", "describe", bucket.project_number), "shows whose it is"),
    )


def location_holds(location: str, regions: tuple[str, ...], region: str) -> bool | None:
    """Whether a bucket's location is a region or holds it; None for a location not known here."""
    if regions:
        return region in regions
    if location in _DUAL:
        return region in _DUAL[location]
    if location == "eu":
        return region.startswith("europe-") and region not in _NOT_EU
    if location in _MULTI:
        return region.startswith(_MULTI[location])
    return location == region if "-" in location else None


def evaluate_region(bucket: Bucket, r: GcpResources) -> Verdict:
    """The stack's region, or a location that holds it. Vertex refuses another one."""
    assert r.region is not None
    holds = location_holds(bucket.location, bucket.regions, r.region)
    where = f"{bucket.location} ({', '.join(bucket.regions)})" if bucket.regions else (
        bucket.location
    )  # fmt: skip
    move = note(create_bucket(r), "under another name: a bucket cannot be moved in one step")
    if holds:
        return ok(f"it is in {where}")
    if holds is None:
        return unknown(f"it is in {where}, which may hold {r.region} or not", move)
    if r.type is StackType.VERTEX:
        return fail(f"it is in {where}, and Vertex runs in {r.region}", move)
    return warn(f"it is in {where}, and the stack runs in {r.region}", move)


def evaluate_public_access(seen: tuple[Bucket, Outcome[Raw]], r: GcpResources) -> Verdict:
    """Prevention on the bucket, else what its policy grants to everybody."""
    bucket, policy = seen
    enforce = _update(r, public_access_prevention=True)
    if bucket.prevention == "enforced":
        return ok("public access prevention is enforced")
    if isinstance(policy, ProbeError):
        return unknown(
            f"public access prevention is {bucket.prevention}, and the bucket's policy could not "
            f"be read: {policy.why}",
            enforce,
            policy.permission,
        )
    public = public_roles(policy)
    if public:
        return fail(f"its policy grants {', '.join(public)}", enforce)
    lists = "" if bucket.uniform else ", and lists on its objects were not looked at"
    return warn(
        f"its policy grants nothing to everybody, and nothing on the bucket keeps it so: public "
        f"access prevention is {bucket.prevention}{lists}",
        enforce,
    )


def evaluate_uniform(bucket: Bucket, r: GcpResources) -> Verdict:
    """Uniform access leaves out every list on objects."""
    if bucket.uniform:
        return ok("uniform bucket-level access is on")
    return warn(
        "access lists on its objects count beside IAM",
        note(_update(r, uniform_bucket_level_access=True), "drops them, after 90 days for good"),
    )


def evaluate_versioning(bucket: Bucket, r: GcpResources) -> Verdict:
    """Either brings back what is gone."""
    kept = ["old versions are kept"] if bucket.versioning else []
    if bucket.soft_delete > 0:
        days = bucket.soft_delete / 86400
        kept.append(f"what is deleted is kept for {days:g} days")
    if kept:
        return ok("; ".join(kept))
    return warn(
        "neither versioning nor soft delete is on: nothing brings back a lost artifact",
        _update(r, versioning=True),
    )
