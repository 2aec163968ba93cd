"""What is an answer of AWS's: botocore takes a page that is none for an empty one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kitaru_iac.checks.probes import Unavailable

__all__ = ["require_answer"]

_XML = {"ec2", "query", "rest-xml"}
#: What answers of S3 always have, of operations that answer with little where there is nothing.
_ALWAYS = {
    "get_bucket_acl": frozenset({"Owner"}),
    "list_object_versions": frozenset({"Name"}),
}


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
        Unavailable: There is nothing in the answer that the operation answers with.
    """
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
