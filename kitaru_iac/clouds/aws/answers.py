"""What is an answer of AWS's: botocore takes a page that is none for an empty one.

Whatever AWS answers, it gives the request's id with it, and nothing on the way makes one up:
https://docs.aws.amazon.com/AmazonS3/latest/API/RESTCommonResponseHeaders.html and
https://boto3.amazonaws.com/v1/documentation/api/latest/guide/error-handling.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kitaru_iac.checks.probes import Unavailable

__all__ = ["is_from_aws", "require_answer"]

_XML = {"ec2", "query", "rest-xml"}
#: What answers of S3 always have, of operations that answer with little where there is nothing.
_ALWAYS = {
    "get_bucket_acl": frozenset({"Owner"}),
    "list_object_versions": frozenset({"Name"}),
}
_IDS = ("x-amzn-requestid", "x-amz-request-id")


def is_from_aws(answer: Mapping[str, Any]) -> bool:
    """Whether AWS said it, and not something on the way: a proxy, a portal, a filter."""
    about = answer.get("ResponseMetadata", {})
    headers = about.get("HTTPHeaders", {})
    return bool(about.get("RequestId")) or any(headers.get(name) for name in _IDS)


def require_answer(
    client: Any,
    operation: str,
    answer: Mapping[str, Any],
    about: str,
    *,
    tells_none: bool = False,
) -> None:
    """Refuse what no service of AWS's said, as a proxy's page.

    XML that is none, botocore refuses itself; of other XML, and of none at all, it makes an answer
    without anything in it, as S3 itself gives for a setting that was never made.

    Args:
        client: boto3's, of the service.
        operation: boto3's method.
        answer: What it made of the answer.
        about: What was asked about, for the words of the error.
        tells_none: Whether the service has an error for "there is none", and so never answers with
            nothing.

    Raises:
        Unavailable: It is not AWS's, or there is nothing in it that the operation answers with.
    """
    if not is_from_aws(answer):
        raise Unavailable(f"what was answered about {about} is no answer of AWS's")
    model = client.meta.service_model
    shape = model.operation_model(client.meta.method_to_api_mapping[operation]).output_shape
    if shape is None or not shape.members:
        return
    if model.metadata["protocol"] in _XML and not tells_none:
        is_answer = _ALWAYS.get(operation, frozenset()) <= answer.keys()
    elif body := shape.serialization.get("payload"):
        is_answer = bool(answer.get(body))  # of no body botocore makes an empty one
    else:
        is_answer = bool(shape.members.keys() & answer.keys())
    if not is_answer:
        raise Unavailable(f"what was answered about {about} is no answer of AWS's")
