"""What a refusal of Google's means: denied is not absent, and somebody else's page is neither."""

from __future__ import annotations

import json
from typing import Any

import google.auth.exceptions
import pytest
import requests
from google.api_core import exceptions

from kitaru_iac.checks.probes import Denied, NoCredentials, NotFound, ProbeError, Unavailable
from kitaru_iac.clouds.gcp.answers import (
    BadRequest,
    ServiceDisabled,
    Transient,
    refused,
    translated,
)

PAGE = "https://console.developers.google.com/apis/api"
INFO = "type.googleapis.com/google.rpc.ErrorInfo"
DISABLED = {"service": "aiplatform.googleapis.com", "consumer": "projects/123"}


def info(reason: str, **metadata: str) -> dict[str, Any]:
    return {"details": [{"@type": INFO, "reason": reason, "metadata": metadata}]}


def old(reason: str) -> dict[str, Any]:
    return {"errors": [{"reason": reason, "domain": "global", "message": "m"}]}


ANSWERS: tuple[tuple[int, Any, type[ProbeError], str | None], ...] = (
    (401, {"message": "Invalid Credentials"}, NoCredentials, None),
    (403, {"message": "m", **old("forbidden")}, Denied, "the.asked.one"),
    (
        403,
        {"message": "x@y does not have storage.buckets.get access to the bucket."},
        Denied,
        "storage.buckets.get",
    ),
    (403, {"message": "Permission 'a.b.get' denied on resource"}, Denied, "a.b.get"),
    (403, info("IAM_PERMISSION_DENIED", permission="a.b.list"), Denied, "a.b.list"),
    (403, info("SERVICE_DISABLED", **DISABLED), ServiceDisabled, None),
    (403, old("accessNotConfigured"), ServiceDisabled, None),
    (403, info("USER_PROJECT_DENIED", consumer="projects/p"), Unavailable, None),
    (403, {"message": "requires a quota project, which is not set"}, Unavailable, None),
    (403, info("SECURITY_POLICY_VIOLATED"), Unavailable, None),
    (403, {"message": "vpcServiceControlsUniqueIdentifier: abc"}, Unavailable, None),
    (403, old("rateLimitExceeded"), Transient, None),
    (404, {"message": "gone", **old("notFound")}, NotFound, None),
    (400, {"message": "Permission x.y.z is not valid"}, BadRequest, None),
    (409, {"message": "conflict"}, Unavailable, None),
    (429, {"message": "slow down"}, Transient, None),
    (503, {"message": "down"}, Transient, None),
    (301, None, Unavailable, None),
    (404, None, Unavailable, None),
    (403, None, Unavailable, None),
    (401, None, Unavailable, None),
    (407, None, Unavailable, None),
    (502, None, Transient, None),
)


@pytest.mark.parametrize(("status", "error", "kind", "permission"), ANSWERS)
def test_a_status_and_its_reason_say_which(
    status: int, error: Any, kind: type[ProbeError], permission: str | None
) -> None:
    body = None if error is None else {"error": error}
    found = refused(status, body, "the thing", "the.asked.one")
    assert type(found) is kind, found.why
    assert found.permission == permission
    assert "the thing" in found.why or kind is NoCredentials


@pytest.mark.parametrize(("status", "error", "kind", "permission"), ANSWERS)
def test_it_is_the_same_through_an_sdk(
    status: int, error: Any, kind: type[ProbeError], permission: str | None
) -> None:
    """api-core 2.34 fails itself where it is asked for the reason of a JSON answer."""
    response = requests.Response()
    response.status_code = status
    body = b"<html>" if error is None else json.dumps({"error": error}).encode()
    response._content = body
    response.request = requests.Request("GET", "https://x.invalid").prepare()
    found = translated(exceptions.from_http_response(response), "the thing", "the.asked.one")
    assert type(found) is kind, found.why
    assert found.permission == permission


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (google.auth.exceptions.RefreshError("no grant", {"token": "s3cret"}), NoCredentials),
        (google.auth.exceptions.RefreshError("internal", retryable=True), Transient),
        (google.auth.exceptions.DefaultCredentialsError("none"), NoCredentials),
        (google.auth.exceptions.TransportError("no route"), Transient),
        (exceptions.DeadlineExceeded("late"), Transient),
        (exceptions.Unauthenticated("who"), NoCredentials),
        (exceptions.PermissionDenied("no"), Denied),
        (exceptions.NotFound("no"), NotFound),
        (exceptions.ResourceExhausted("slow"), Transient),
        (exceptions.InvalidArgument("what"), BadRequest),
        (exceptions.InternalServerError("bug"), Transient),
        (requests.ConnectionError("https://user:s3cret@proxy"), Transient),
        (KeyError("access_token"), Transient),
    ],
)  # fmt: skip
def test_an_exception_of_googles_is_told_by_its_kind(
    error: Exception, kind: type[ProbeError]
) -> None:
    found = translated(error, "the thing", "a.b.c")
    assert type(found) is kind, found.why
    assert "s3cret" not in found.why


def test_an_api_that_is_off_comes_with_the_command_that_enables_it() -> None:
    found = refused(403, {"error": info("SERVICE_DISABLED", **DISABLED)}, "it", None)
    assert found.remedy == "gcloud services enable aiplatform.googleapis.com --project 123"


@pytest.mark.parametrize(
    ("message", "permission", "remedy"),
    [
        (
            f"Enable it by visiting {PAGE}/storage-api.googleapis.com/overview?project=123 now.",
            "storage.buckets.get",
            "enable storage-api.googleapis.com --project 123",
        ),
        ("off", "storage.buckets.get", "enable storage.googleapis.com"),
        ("off", "resourcemanager.projects.get", "enable cloudresourcemanager.googleapis.com"),
        ("off", None, "list --enabled  # shows those that are"),
    ],
)
def test_the_old_form_tells_the_api_in_its_words(
    message: str, permission: str | None, remedy: str
) -> None:
    said = {"message": message, **old("accessNotConfigured")}
    found = refused(403, {"error": said}, "it", permission)
    assert found.remedy == f"gcloud services {remedy}"


def test_a_message_is_one_short_line_without_secrets() -> None:
    message = "line\n" * 500 + "Bearer ya29.a0AfH6SMBverylongtokenverylongtoken"
    found = refused(503, {"error": {"message": message}}, "it", None)
    assert "\n" not in found.why
    assert "ya29" not in found.why
    assert len(found.why) < 400
