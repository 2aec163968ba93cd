"""Comparing one value of a request with one of a policy, by the kind of the operator.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from kitaru_iac.clouds.aws.policies.answers import NO, YES, Answer, doubt
from kitaru_iac.clouds.aws.policies.patterns import Glob, Wild, glob, relation, segments
from kitaru_iac.clouds.aws.policies.requests import Foreign, Pattern

__all__ = ["Single", "arn_matches", "compare_arn", "compare_plain", "compare_text"]

#: One value of a condition key.
Single = str | Pattern | Foreign
_PART = Answer(None)


def compare_text(wanted: Glob, given: Single, *, ignore_case: bool = False) -> Answer:
    """A text, as String operators see it. Wildcards are in `wanted` only for StringLike."""
    if isinstance(given, Foreign):
        return _foreign(wanted, given)
    value = glob(given.text) if isinstance(given, Pattern) else glob(given, literal=True)
    if ignore_case:
        wanted, value = _lower(wanted), _lower(value)
    return _told(relation(wanted, value))


def compare_arn(wanted: Glob, given: Single) -> Answer:
    """An ARN, its six parts each for itself: ``*`` does not reach over a colon."""
    parts = segments(wanted)
    if len(parts) < 6:
        return doubt(f"what an ARN operator makes of {_shown(wanted)}, which is no whole ARN")
    if isinstance(given, Foreign):
        return _foreign(wanted, given)
    value = glob(given.text) if isinstance(given, Pattern) else glob(given, literal=True)
    theirs = segments(value)
    if len(theirs) < 6:
        # Not an ARN, or one of which only the beginning is known.
        return _PART if Wild.ANY in value else NO
    return Answer.all(_told(relation(p, v)) for p, v in zip(parts, theirs, strict=True))


def arn_matches(wanted: Glob, given: Glob) -> Answer:
    """Whether a statement's Resource names the request's.

    Part by part. A ``*`` that ends the text reaches over colons; one that ends an earlier part
    "can expand to match beyond the colon boundaries":
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    parts, theirs = segments(wanted), segments(given)
    if len(parts) == 6 and len(theirs) == 6:
        apart = Answer.all(_told(relation(p, v)) for p, v in zip(parts, theirs, strict=True))
        expands = any(part[-1:] == (Wild.ANY,) for part in parts[:5])
        if apart.value is not False or not expands or relation(wanted, given) is False:
            return apart
        return doubt(f"how far the * in {_shown(wanted)} reaches")
    whole = relation(wanted, given)
    if whole is True and wanted[-1:] != (Wild.ANY,):
        return doubt(f"what {_shown(wanted)} names, which is no whole ARN")
    return _told(whole)


def compare_plain(kind: str, wanted: str, given: Single, order: str) -> Answer:
    """A number, a date, an address, a truth or bytes: these have no wildcards."""
    if given is Foreign.ADDRESS and kind == "ip":
        return _foreign_address(wanted)
    if not isinstance(given, str) or isinstance(given, Foreign):
        return _PART
    try:
        return YES if _PLAIN[kind](wanted, given, order) else NO
    except (ValueError, InvalidOperation, binascii.Error, OverflowError):
        return doubt(f"how {wanted!r} and {given!r} compare as {kind}")


def _numbers(wanted: str, given: str, order: str) -> bool:
    return _ordered(Decimal(given), Decimal(wanted), order)


def _dates(wanted: str, given: str, order: str) -> bool:
    return _ordered(_moment(given), _moment(wanted), order)


def _ordered(given: Decimal, wanted: Decimal, order: str) -> bool:
    if not (given.is_finite() and wanted.is_finite()):
        raise ValueError(f"{given} and {wanted} have no order")
    return {
        "equals": given == wanted,
        "lessthan": given < wanted,
        "lessthanequals": given <= wanted,
        "greaterthan": given > wanted,
        "greaterthanequals": given >= wanted,
    }[order]


_YEAR, _MONTH = re.compile(r"[0-9]{4}"), re.compile(r"[0-9]{4}-[0-9]{2}")


def _moment(text: str) -> Decimal:
    """Seconds since 1970: of a date of W3C's ISO 8601 profile, or given as such."""
    if text.isdigit() and not _YEAR.fullmatch(text):
        return Decimal(text)
    if _YEAR.fullmatch(text):
        raise ValueError(f"{text} is a year, or seconds")
    whole = f"{text}-01" if _MONTH.fullmatch(text) else text
    moment = datetime.fromisoformat(whole)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return Decimal(str(moment.timestamp()))


def _addresses(wanted: str, given: str, _order: str) -> bool:
    address, network = ipaddress.ip_address(given), ipaddress.ip_network(wanted, strict=False)
    return address.version == network.version and address in network


def _truths(wanted: str, given: str, _order: str) -> bool:
    truth = {"true": True, "false": False}
    if {wanted.lower(), given.lower()} - truth.keys():
        raise ValueError(f"{wanted} and {given} are not true or false")
    return truth[wanted.lower()] is truth[given.lower()]


def _bytes(wanted: str, given: str, _order: str) -> bool:
    decode = base64.b64decode
    return decode(wanted, validate=True) == decode(given, validate=True)


_PLAIN: dict[str, Callable[[str, str, str], bool]] = {
    "numeric": _numbers,
    "date": _dates,
    "ip": _addresses,
    "bool": _truths,
    "binary": _bytes,
}


# --- values of somebody whom no policy names


def _foreign(wanted: Glob, kind: Foreign) -> Answer:
    """What is written out names somebody, who is somebody else; a wildcard may name anybody.

    Of an ARN, the account decides whose it is, or the name of a bucket, which has none.
    """
    if set(wanted) == {Wild.ANY}:
        return YES
    if not any(isinstance(sign, Wild) for sign in wanted):
        return NO
    parts = segments(wanted)
    if kind is Foreign.ARN and len(parts) == 6:
        whose = parts[4] or _head(parts[5])
    elif kind is Foreign.TEXT and {"/", ":"} & set(wanted):
        whose = _head(wanted)  # of an organization's path, of a role's id before a session's name
    else:
        return _PART
    return _PART if any(isinstance(sign, Wild) for sign in whose) else NO


def _head(text: Glob) -> Glob:
    """What stands before the first ``/`` or ``:``."""
    return text[: next((i for i, sign in enumerate(text) if sign in {"/", ":"}), None)]


def _foreign_address(wanted: str) -> Answer:
    """Networks wider than these are the public, as S3 sees it.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    """
    try:
        network = ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return doubt(f"what the addresses {wanted!r} are")
    return _PART if network.prefixlen < (8 if network.version == 4 else 32) else NO


def _told(found: bool | None) -> Answer:
    return _PART if found is None else Answer(found)


def _lower(text: Glob) -> Glob:
    return tuple(sign if isinstance(sign, Wild) else sign.lower() for sign in text)


def _shown(text: Glob) -> str:
    return "".join(sign.value if isinstance(sign, Wild) else sign for sign in text)
