"""What looks like a secret by itself, by its beginning, or by the word that stands before it."""

from __future__ import annotations

import re

__all__ = ["is_credentials", "is_key_id", "is_key_text", "tokens"]

#: An AWS access key's id, and the form of the secret that belongs to it: so many signs of base64.
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
_KEY_ID = r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b"
_KEY_TEXT = r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
#: Signs of a secret whatever it stands in: ZenML's keys, JSON web tokens, keys of GitHub, AWS and
#: others that give theirs a beginning of its own, and what follows a word that announces one.
_TOKENS = (
    r"ZENKEY_[\w.~+/=-]+"
    r"|ZENPROKEY_[\w.~+/=-]+"
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]*"
    r"|\b(?:gh[opsu]|github_pat|glpat|dckr_pat)[_-]\w{8,}"
    rf"|{_KEY_ID}"
    r"|\b[rs]k_(?:live|test)_\w{8,}|\bsk-[\w-]{20,}|\bxox[abeoprs]-[\w-]{8,}"
    r"|\bhf_[A-Za-z0-9]{20,}|\bAIza[\w-]{30,}|\bnpm_[A-Za-z0-9]{20,}"
    r"|\bGOCSPX-[\w-]{10,}|\bya29\.[\w.-]{10,}|\bdop_v1_\w{20,}|\bSG\.[\w-]{10,}\.[\w-]{10,}"
    r"|\beyJ[A-Za-z0-9+/_-]{60,}={0,2}|\bLS0tLS1CRUdJTi[A-Za-z0-9+/=]+"  # JSON and PEM as base64
    r"|(?<=hooks\.slack\.com/services/)[\w/]+"
    r"|(?s:-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*-----|\Z))"
    r"|(?<=Bearer )[^\s'\",]+|(?<=Basic )[A-Za-z0-9+/=]{6,}"
)
#: Words that announce a secret, wherever they stand in a name.
_ANNOUNCING = (
    r"(?:passw(?:or)?d|passphrase|pwd|secret|token|credential|signature|(?<![a-z])sign?(?![a-z])"
    r"|(?:access|account|api|application|auth|encryption|private|shared|signing|storage)[_.-]?key)"
)
#: A name begins where its signs do, and is taken whole: any other try would find the same, and take
#: a text of one long word minutes.
_NAME = rf"(?i)(?<![\w.-])(?=[\w.-]*?{_ANNOUNCING})(?P<name>[\w.-]++)="
_VALUE = (
    r"""(?P<value>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\\+["'][^"'\\\n]*\\*["']?"""
    r"""|["'][^\s&;]*|[^\s&'",;]+)"""
)
#: Words that begin as one that announces a secret.
_OTHER_WORD = (
    r"(?i)tokeni[sz](?:er|ation)s?|passwordless|secretar(?:y|ies)"
    r"|secrets?[_.-]?manager(?=$|[_.-]?(?:name|arn|ur[il]|endpoint|region)$)"
)
#: What a name says of a secret without saying the secret: what it is called, where it is, how long
#: it lasts. Not its id or its hash, nor who has it.
_ABOUT_IT = (
    rf"(?:{_ANNOUNCING}s?(?:[_.-]?key)?[_.-]?(?:name|ref|namespace|arn|type|kind"
    r"|file|path|dir|provider|policy|method|algorithm|mode|scope|audience"
    r"|issuer|enabled|required|ttl|expiry|expires|expiration|lifetime|duration|timeout|seconds|age"
    r"|count|limit|size|length|budget|per[_.-][a-z]+)s?"
    r"|token[_.-]?(?:url|uri|endpoint))$"
)
#: Values that are no secret: none, a reference to a secret, and what stands for a hidden one.
_HARMLESS_VALUE = r"(?i:true|false|none|null)|\{\{[\w.-]+\}\}|\$\{\w+\}|env:[A-Z_][A-Z0-9_]*"
#: What of the sentence around a value may follow it.
_AFTER = ")]}.:"
#: The words before the colon of a credential string (`spec.credentials`), or nearly one.
_CREDENTIALS = r"(?si)['\"\s]*(?P<kind>(?:aws|gcp|azure)[-_ ][a-z_-]{3,}?)\s*:(?!…)(?P<rest>.+)"
#: Kinds of them that hold no secret.
_OPEN_CREDENTIALS = frozenset(
    {"aws-profile", "aws-role", "gcp-service-account", "gcp-impersonate", "gcp-workload-identity"}
)


def tokens(text: str, instead: str) -> str:
    """Give a text without what looks like a secret by itself, or by the word before it.

    Args:
        text: What may hold one.
        instead: What stands in its place.
    """
    if re.search(_KEY_ID, text):
        text = re.sub(_KEY_TEXT, instead, text)
    return _without_announced(re.sub(_TOKENS, instead, text), instead)


def _without_announced(text: str, instead: str) -> str:
    """A text without the values that a name before them says are secret."""
    names, values = re.compile(_NAME), re.compile(_VALUE)
    done: list[str] = []
    copied = at = 0
    while found := names.search(text, at):
        at = found.end()
        # Of another name a value may hold names itself.
        value = values.match(text, at) if _announces(found["name"]) else None
        if value is None:
            continue
        at = value.end()
        quote = re.match(r"\\*[\"']", value[0])
        around = quote[0] if quote and value[0].endswith(quote[0], quote.end()) else ""
        plain = value[0][len(around) : len(value[0]) - len(around)]
        end = plain if around else plain.rstrip(_AFTER)
        if _is_harmless(found["name"], plain, instead) or _is_harmless(found["name"], end, instead):
            continue
        done += [text[copied : found.end()], around, instead, plain[len(end) :], around]
        copied = at
    return "".join([*done, text[copied:]])


def _announces(name: str) -> bool:
    """Whether the value after a name is a secret, and not something about one."""
    name = re.sub(_OTHER_WORD, "", name)
    about = re.search(_ABOUT_IT, name, re.IGNORECASE)
    return about is None and re.search(_ANNOUNCING, name, re.IGNORECASE) is not None


def _is_harmless(name: str, value: str, instead: str) -> bool:
    """Whether a value is no secret for all that its name says, or is hidden already."""
    if value in ("", instead, instead.rstrip(_AFTER)):
        return True
    name = name.lower()
    if name.endswith("version") and re.fullmatch(r"[a-z]{0,2}\d?v?\d+(?:\.\d+)*", value):
        return True
    is_count = name.endswith(("tokens", "usage")) and value.isdigit()
    return is_count or re.fullmatch(_HARMLESS_VALUE, value) is not None


def is_key_id(given: object) -> bool:
    """Tell whether it is the id of an access key of AWS."""
    return isinstance(given, str) and re.fullmatch(_KEY_ID, given.strip()) is not None


def is_key_text(given: object) -> bool:
    """Tell whether it has the form of the secret that belongs to such an id."""
    return isinstance(given, str) and re.fullmatch(_KEY_TEXT, given.strip()) is not None


def is_credentials(given: str) -> bool:
    """Tell whether it is a credential string with a secret in it, or nearly one."""
    found = re.fullmatch(_CREDENTIALS, given)
    return found is not None and found["kind"].lower().replace("_", "-") not in _OPEN_CREDENTIALS
