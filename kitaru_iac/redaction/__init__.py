"""The one place that hides secrets: in URLs, in texts of others, in values that somebody wrote.

Whatever is shown of a URL is what `url` leaves of it. What stands in a text that somebody else
wrote (requests, SQLAlchemy, ZenML, Pulumi) goes through `text`, and a value that a message quotes
through `value`. Where a secret may begin or end in more than one place, all of it is hidden.
"""

from __future__ import annotations

from kitaru_iac.redaction.signs import is_credentials, is_key_id, is_key_text, tokens
from kitaru_iac.redaction.texts import (
    MASK,
    UNSEEN,
    SecretText,
    holds_secret,
    secrets_in,
    text,
    value,
    visible,
)
from kitaru_iac.redaction.urls import HIDDEN, url

__all__ = [
    "HIDDEN",
    "MASK",
    "UNSEEN",
    "SecretText",
    "holds_secret",
    "is_credentials",
    "is_key_id",
    "is_key_text",
    "secrets_in",
    "text",
    "tokens",
    "url",
    "value",
    "visible",
]
