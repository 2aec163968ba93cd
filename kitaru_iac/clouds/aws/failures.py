"""What a failed call of AWS's says: denied, absent, no credentials or no answer.

They come out as the four kinds of `ProbeError`, by the error's code and never by its text.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from kitaru_iac.checks.probes import Denied, NoCredentials, NotFound, ProbeError, Unavailable
from kitaru_iac.clouds.aws.answers import is_from_aws
from kitaru_iac.clouds.aws.regions import has_to_be_switched_on
from kitaru_iac.patterns import compiled
from kitaru_iac.spec.credentials import Credentials

__all__ = ["code_of", "failure", "iam_action", "no_session"]

_DENIED = {
    "AccessDenied", "AccessDeniedException", "AccessDeniedFault", "AllAccessDisabled",
    "AuthorizationError", "Forbidden", "NotAuthorized", "NotAuthorizedException",
    "UnauthorizedOperation", "403",
}  # fmt: skip
_NO_CREDENTIALS = {
    "AuthFailure", "ExpiredToken", "ExpiredTokenException", "IncompleteSignature",
    "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidSignatureException", "InvalidToken",
    "MissingAuthenticationToken", "MissingAuthenticationTokenException", "RequestExpired",
    "RequestTimeTooSkewed", "SignatureDoesNotMatch", "TokenRefreshRequired",
    "UnrecognizedClientException",
}  # fmt: skip
_THROTTLED = {
    "BandwidthLimitExceeded", "RequestLimitExceeded", "RequestThrottled", "SlowDown", "Throttled",
    "ThrottledException", "Throttling", "ThrottlingException", "TooManyRequestsException",
}  # fmt: skip
#: How AWS says that it does not know the keys.
_UNKNOWN_KEYS = {"AuthFailure", "InvalidClientTokenId", "UnrecognizedClientException"}
#: IAM actions that are not named like the operation they allow.
#: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
_ACTIONS = {
    ("s3", "HeadBucket"): "s3:ListBucket",
    ("s3", "GetPublicAccessBlock"): "s3:GetBucketPublicAccessBlock",
    ("s3", "GetBucketEncryption"): "s3:GetEncryptionConfiguration",
    ("s3", "GetBucketLifecycleConfiguration"): "s3:GetLifecycleConfiguration",
    ("s3control", "GetPublicAccessBlock"): "s3:GetAccountPublicAccessBlock",
    ("service-quotas", "ListServiceQuotas"): "servicequotas:ListServiceQuotas",
}
_NAMED_ACTION = compiled(r"not authorized to perform: ([a-z0-9-]+:[A-Za-z0-9]+)")


def failure(
    error: Exception,
    service: str,
    operation: str,
    about: str,
    absent: Collection[str],
    region: str | None,
) -> ProbeError:
    """Give what the code of an error says.

    Args:
        error: botocore's.
        service: boto3's name of the service.
        operation: boto3's method.
        about: What was asked about, for the words of the error.
        absent: Codes of this operation that say: it does not exist.
        region: Where was asked, if that is said.
    """
    pascal = "".join(part.capitalize() for part in operation.split("_"))
    return _translated(error, iam_action(service, pascal), about, absent, region)


def no_session(error: Exception, credentials: Credentials | None, region: str | None) -> ProbeError:
    """Give what an error says that came before there were any credentials."""
    code = code_of(error)
    if code in _DENIED and credentials is not None:
        role = credentials.values.get("role_arn", "")
        return NoCredentials(
            f"{role} cannot be assumed: {_message(error)}",
            f"aws iam get-role --role-name {role.rsplit('/', 1)[-1]} "
            "--query Role.AssumeRolePolicyDocument  # it must trust whoever asks",
        )
    found = _credentials_error(error, region)
    return found or _unanswered(error, "the credentials")


def iam_action(service: str, operation: str) -> str:
    """The IAM action that allows an operation, as ``s3:ListBucket`` for S3's HeadBucket."""
    prefix = "access-analyzer" if service == "accessanalyzer" else service
    return _ACTIONS.get((service, operation), f"{prefix}:{operation}")


def _translated(
    error: Exception, action: str, about: str, absent: Collection[str], region: str | None
) -> ProbeError:
    code = code_of(error)
    # Of a refusal without a body, and of a page, botocore makes a code of the status.
    if code is not None and code.isdigit() and not is_from_aws(_response(error)):
        return Unavailable(
            f"what was answered about {about} is no answer of AWS's (HTTP {code})",
            "Look again later.",
        )
    if code is not None and code in absent:
        return NotFound(f"{about} does not exist", resource=about)
    if code in _DENIED:
        named = _NAMED_ACTION.search(_message(error))
        permission = named.group(1) if named else action
        denied = Denied(
            f"{permission} on {about} is denied ({_message(error)})",
            permission=permission,
            resource=about,
        )
        denied.__cause__ = error
        return denied
    return _credentials_error(error, region) or _unanswered(error, about)


def _credentials_error(error: Exception, region: str | None) -> NoCredentials | None:
    from botocore import exceptions

    code = code_of(error)
    if code in _UNKNOWN_KEYS and has_to_be_switched_on(region):
        return NoCredentials(
            f"AWS refuses the credentials: {code}: {_message(error)}. It answers so too where the "
            f"account has not switched on the region, as {region} has to be",
            f"aws account get-region-opt-status --region-name {region}",
        )
    if code in _NO_CREDENTIALS:
        remedy = {
            "RequestTimeTooSkewed": "date -u  # AWS refuses a clock that is minutes off: set it",
            "SignatureDoesNotMatch": "aws configure  # the secret does not fit the key",
        }.get(code, "aws sts get-caller-identity  # then renew them: `aws sso login` or new keys")
        return NoCredentials(f"AWS refuses the credentials: {code}: {_message(error)}", remedy)
    # By name, since the set grows with botocore (LoginRefreshRequired and others came in 1.41).
    if isinstance(error, exceptions.ProfileNotFound):
        return NoCredentials(str(error), "aws configure list-profiles")
    if (
        isinstance(
            error,
            exceptions.NoCredentialsError
            | exceptions.PartialCredentialsError
            | exceptions.CredentialRetrievalError
            | exceptions.InfiniteLoopConfigError
            | exceptions.ConfigParseError
            | exceptions.ConfigNotFound
            | exceptions.SSOError
            | exceptions.UnauthorizedSSOTokenError
            | exceptions.TokenRetrievalError,
        )
        or "Login" in type(error).__name__
    ):
        return NoCredentials(str(error), "aws sso login  # or `aws configure`")
    return None


def _unanswered(error: Exception, about: str) -> Unavailable:
    from botocore.parsers import ResponseParserError

    code = code_of(error)
    again = "Look again later."
    if code in _THROTTLED:
        return Unavailable(f"AWS throttled the question about {about} ({code})", again)
    if code is not None:
        return Unavailable(f"AWS answered {code} about {about}: {_message(error)}", again)
    if isinstance(error, ResponseParserError):  # holds the whole answer, a page of HTML at worst
        return Unavailable(f"the answer about {about} could not be understood", again)
    text = " ".join(str(error).split())[:200]
    return Unavailable(f"no usable answer about {about}: {type(error).__name__}: {text}", again)


def _response(error: Exception) -> Mapping[str, Any]:
    return getattr(error, "response", None) or {}


def code_of(error: Exception) -> str | None:
    """Give the code of an error of AWS's; None for any other."""
    code = _response(error).get("Error", {}).get("Code")
    return None if code is None else str(code)


def _message(error: Exception) -> str:
    """AWS's own words, on one line: they name the caller, the action and the policy that denies."""
    text = str(_response(error).get("Error", {}).get("Message") or error)
    return " ".join(text.split())[:400]
