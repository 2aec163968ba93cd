"""What Google's refusals mean, whichever of its libraries they come through.

A refusal is told by its status and the reason in its details, never by its words alone. Google
often answers 403 for what does not exist ("or it may not exist"), so that is never read as absent;
and what is no answer of Google's (a proxy's page) is neither denied nor absent.
https://cloud.google.com/apis/design/errors
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kitaru_iac.checks.commands import command, note
from kitaru_iac.checks.probes import Denied, NoCredentials, NotFound, ProbeError, Unavailable
from kitaru_iac.patterns import compiled
from kitaru_iac.redaction import text

__all__ = ["BadRequest", "ServiceDisabled", "Transient", "failed", "refused", "translated"]

Raw = Mapping[str, Any]
_LOG_IN = note("gcloud auth application-default login", "or give --credentials")
_AGAIN = "Look again later."
_THROTTLED = {"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED", "quotaExceeded"}
_NAMED_PERMISSION = compiled(
    r"(?:Permission '|Permission \"|does not have )([a-z]+\.[A-Za-z]+\.[A-Za-z]+)\b"
)


_PAGE_OF_API = compiled(
    r"/apis/api/(?P<service>[a-z0-9.-]+)/overview\?project=(?P<consumer>[a-z0-9:.-]+[a-z0-9])"
)


class Transient(Unavailable):
    """No answer, and another try may get one. `pause` is how long Google wants us to wait."""

    def __init__(self, why: str, pause: float | None = None) -> None:
        super().__init__(why, _AGAIN)
        self.pause = pause


class BadRequest(Unavailable):
    """Google does not take the question: one unknown permission is enough in a test of many."""


class ServiceDisabled(ProbeError):
    """An API is off in a project, which says nothing about what is in it.

    Attributes:
        service: As ``artifactregistry.googleapis.com``; empty if it was not told.
        consumer: The project, by its id or number; None if it was not told.
    """

    def __init__(self, service: str, consumer: str | None, about: str) -> None:
        self.service = service
        self.consumer = consumer
        where = f" in the project {consumer}" if consumer else ""
        enable = command("gcloud", "services", "enable", service, project=consumer)
        listed = command("gcloud", "services", "list", enabled=True, project=consumer)
        super().__init__(
            f"{about}: {f'the API {service}' if service else 'an API'} is not enabled{where}",
            enable if service else note(listed, "shows those that are"),
        )


def translated(error: Exception, about: str, permission: str | None) -> ProbeError:
    """Give the kind of `ProbeError` that an exception of Google's libraries stands for.

    Args:
        error: Any exception.
        about: What was asked about.
        permission: What the caller needed.
    """
    from google.api_core.exceptions import GoogleAPICallError
    from google.auth import exceptions

    if isinstance(error, ProbeError):
        return error
    if isinstance(error, GoogleAPICallError):
        return _of_call(error, about, permission)
    if isinstance(error, exceptions.TransportError) or getattr(error, "retryable", False):
        return Transient(f"no answer about {about}: {_words(error)}")
    if isinstance(error, exceptions.GoogleAuthError):
        return NoCredentials(_words(error), _LOG_IN)
    return Transient(f"no usable answer about {about}: {type(error).__name__}")


def refused(
    status: int, body: Raw | None, about: str, permission: str | None, pause: object = None
) -> ProbeError:
    """Give the kind of `ProbeError` that a REST answer other than 200 stands for.

    Args:
        status: Of HTTP.
        body: What was answered, if that is a JSON object.
        about: What was asked about.
        permission: What the caller needed.
        pause: The header ``Retry-After``.
    """
    said = body.get("error") if body is not None else None
    if not isinstance(said, dict):
        if status == 429 or status >= 500:
            return Transient(f"{status} was answered about {about}", _seconds(pause))
        return Unavailable(f"{status} was answered about {about}, and not by Google", _AGAIN)
    reason, metadata = _reason(said.get("details") or (), said.get("errors") or ())
    message = str(said.get("message") or "")
    return _meaning(status, reason, metadata, message, about, permission, _seconds(pause))


def failed(error: Exception) -> Exception:
    """The kind of an error alone, as a cause, where its text may hold a secret."""
    return RuntimeError(type(error).__name__)


def _of_call(error: Any, about: str, permission: str | None) -> ProbeError:
    status = int(error.code) if error.code is not None else 0
    answer = error.response
    if answer is not None and hasattr(answer, "headers"):  # REST: whose words are these?
        try:
            body = answer.json()
        except ValueError:
            body = None
        found = body if isinstance(body, dict) else None
        return refused(status, found, about, permission, answer.headers.get("Retry-After"))
    reason, metadata = _reason(error.details or (), ())
    return _meaning(status, reason, metadata, str(error.message or ""), about, permission, None)


def _reason(details: Any, errors: Any) -> tuple[str, Mapping[str, str]]:
    """The reason and its metadata: of ErrorInfo, as JSON or as a message, else of the old form.

    `GoogleAPICallError.reason` does the same, and fails on JSON with api-core 2.34.
    """
    for one in details:
        if isinstance(one, dict):
            if str(one.get("@type", "")).endswith("google.rpc.ErrorInfo"):
                return str(one.get("reason", "")), dict(one.get("metadata") or {})
        elif type(one).__name__ == "ErrorInfo":
            return str(one.reason), dict(one.metadata)
    for one in errors:
        if isinstance(one, dict) and one.get("reason"):
            return str(one["reason"]), {}
    return "", {}


def _meaning(
    status: int,
    reason: str,
    metadata: Mapping[str, str],
    message: str,
    about: str,
    permission: str | None,
    pause: float | None,
) -> ProbeError:
    words = _one_line(message)
    if status == 401:
        return NoCredentials(f"Google refuses the credentials: {words}", _LOG_IN)
    if status == 404:
        return NotFound(f"{about} does not exist", resource=about)
    if status == 403:
        # The old form of an error has no metadata, but its words name the page that enables an API.
        page = _PAGE_OF_API.search(message)
        told = page.groupdict() if page else {}
        return _forbidden(reason, {**told, **metadata}, words, about, permission)
    if status == 429 or status >= 500:
        return Transient(f"Google answered {status} about {about}: {words}", pause)
    if status == 400:
        return BadRequest(f"Google answered {status} about {about}: {words}", _AGAIN)
    return Unavailable(f"Google answered {status or 'nothing'} about {about}: {words}", _AGAIN)


def _forbidden(
    reason: str, metadata: Mapping[str, str], words: str, about: str, permission: str | None
) -> ProbeError:
    """403 has many reasons; only what is left is a missing permission."""
    if reason in {"SERVICE_DISABLED", "accessNotConfigured"}:
        service = metadata.get("service") or _service_of(permission)
        consumer = metadata.get("consumer", "").removeprefix("projects/") or None
        return ServiceDisabled(service, consumer, about)
    if reason in _THROTTLED:
        return Transient(f"Google throttled the question about {about} ({reason})")
    if reason == "USER_PROJECT_DENIED" or "quota project" in words:
        return Unavailable(
            f"{about} was not looked at: a person's login needs a project that pays for its "
            f"questions ({words})",
            command("gcloud", "auth", "application-default", "set-quota-project")
            + " "
            + (metadata.get("consumer", "").removeprefix("projects/") or '"$GOOGLE_CLOUD_PROJECT"'),
        )
    if reason == "SECURITY_POLICY_VIOLATED" or "vpcServiceControlsUniqueIdentifier" in words:
        return Unavailable(
            f"VPC Service Controls let nobody look at {about} from here ({words})",
            note("gcloud organizations list", "ask whoever keeps the perimeter"),
        )
    named = _NAMED_PERMISSION.search(words)
    missing = metadata.get("permission") or (named.group(1) if named else permission)
    return Denied(
        f"{missing or 'looking'} on {about} is denied, or it does not exist: Google does not say "
        f"which ({words})",
        permission=missing,
        resource=about,
    )


def _service_of(permission: str | None) -> str:
    """The API that a permission is of; empty where none is told."""
    of = (permission or "").partition(".")[0]
    name = "cloudresourcemanager" if of == "resourcemanager" else of
    return f"{name}.googleapis.com" if name else ""


def _words(error: Exception) -> str:
    """The first of an authentication error's arguments: a second one may be a whole answer."""
    first = error.args[0] if error.args and isinstance(error.args[0], str) else ""
    return _one_line(first) or type(error).__name__


def _one_line(words: str) -> str:
    return text(" ".join(words.split()))[:300]


def _seconds(pause: object) -> float | None:
    try:
        return float(str(pause))
    except ValueError:
        return None
