"""Where artifacts lie: buckets of the clouds, and folders of this machine."""

from __future__ import annotations

import os.path
import re
from dataclasses import dataclass

from kitaru_iac.spec import names
from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.spec.refusal import Refusal, UriError, shown, write_instead

__all__ = [
    "ArtifactStoreUri",
    "AzureBlobUri",
    "GcsUri",
    "LocalPath",
    "S3Uri",
    "parse_artifact_store",
]

_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?P<slashes>/*)(?P<rest>.*)", re.DOTALL)
_AZURE_HOST = re.compile(r"(?P<account>[^.]*)\.(?:blob|dfs)\.core\.windows\.net")
# Names of other tools for the same things.
_OTHER_SCHEMES = {
    "s3a": "s3",
    "s3n": "s3",
    "aws": "s3",
    "gcs": "gs",
    "gcp": "gs",
    "azure": "az",
    "adl": "abfs",
    "wasb": "az",
    "wasbs": "az",
    "blob": "az",
}
# A longer word before a colon is none that anybody knows, and may be half of a key.
_LONGEST_SCHEME = 16
# The longest key of S3, of Cloud Storage and of Blob Storage, in bytes.
_LONGEST_KEY = 1024


@dataclass(frozen=True, slots=True)
class LocalPath:
    """A folder of this machine; `path` is absolute."""

    path: str

    def __str__(self) -> str:
        return self.path

    @property
    def cloud(self) -> Cloud | None:
        """None: it is in no cloud."""
        return None

    @property
    def bucket_uri(self) -> str | None:
        """None: there is no bucket."""
        return None

    @property
    def store_path(self) -> str:
        """The path that ZenML's artifact store is given."""
        return self.path


@dataclass(frozen=True, slots=True)
class S3Uri:
    """``s3://BUCKET/PREFIX``; `prefix` has no slash at its ends and may be empty."""

    bucket: str
    prefix: str = ""

    def __str__(self) -> str:
        return _join(self.bucket_uri, self.prefix)

    @property
    def cloud(self) -> Cloud:
        """AWS."""
        return Cloud.AWS

    @property
    def bucket_uri(self) -> str:
        """``s3://BUCKET``."""
        return f"s3://{self.bucket}"

    @property
    def store_path(self) -> str:
        """The path that ZenML's artifact store is given."""
        return str(self)


@dataclass(frozen=True, slots=True)
class GcsUri:
    """``gs://BUCKET/PREFIX``; `prefix` has no slash at its ends and may be empty."""

    bucket: str
    prefix: str = ""

    def __str__(self) -> str:
        return _join(self.bucket_uri, self.prefix)

    @property
    def cloud(self) -> Cloud:
        """GCP."""
        return Cloud.GCP

    @property
    def bucket_uri(self) -> str:
        """``gs://BUCKET``."""
        return f"gs://{self.bucket}"

    @property
    def store_path(self) -> str:
        """The path that ZenML's artifact store is given."""
        return str(self)


@dataclass(frozen=True, slots=True)
class AzureBlobUri:
    """``az://CONTAINER/PATH``, or with the account ``abfs://CONTAINER@ACCOUNT.dfs…/PATH``.

    Attributes:
        container: The blob container.
        path: Inside it; no slash at its ends; may be empty.
        account: The storage account, where the URI names it.
        scheme: ``az``, ``abfs`` or ``abfss``.
    """

    container: str
    path: str = ""
    account: str | None = None
    scheme: str = "az"

    def __str__(self) -> str:
        service = "blob" if self.scheme == "az" else "dfs"
        host = f"@{self.account}.{service}.core.windows.net" if self.account else ""
        return _join(f"{self.scheme}://{self.container}{host}", self.path)

    @property
    def cloud(self) -> Cloud:
        """Azure."""
        return Cloud.AZURE

    @property
    def bucket_uri(self) -> str:
        """``az://CONTAINER``."""
        return f"az://{self.container}"

    @property
    def store_path(self) -> str:
        """The path that ZenML's artifact store is given.

        ZenML 0.98 takes ``az://`` and ``abfs://``, and reads no account in them: that one belongs
        into the connector, as ``storage_account``.
        """
        scheme = "az" if self.scheme == "az" else "abfs"
        return _join(f"{scheme}://{self.container}", self.path)


ArtifactStoreUri = LocalPath | S3Uri | GcsUri | AzureBlobUri


def parse_artifact_store(text: str) -> ArtifactStoreUri:
    """Read the URI of an artifact store.

    Schemes may be in upper case. A folder of this machine starts with ``/``, ``./``, ``../``,
    ``~`` or ``file://``, and is made absolute; a bare ``a/b`` could be a bucket and is refused.

    Raises:
        UriError: It is none of these, or breaks the cloud's rule for its bucket.
    """
    if not text.strip():
        raise UriError("the artifact store is empty")
    if text != text.strip() or not text.isprintable():
        raise UriError(
            f"the artifact store {shown(text)} has blanks around it or control characters"
        )
    if text[0] in "/~" or text.startswith(("./", "../")) or text in {".", ".."}:
        return _local(text)
    match = _SCHEME.fullmatch(text)
    if not match:
        raise UriError(
            f"the artifact store {shown(text)} is neither a URI nor a path",
            why="a URI has a scheme, and a path starts with `/`, `./` or `~`",
            remedy=f"Write `s3://{text}`, `gs://{text}`, `az://{text}` or `./{text}`."
            if re.fullmatch(r"[\w./-]{1,60}", text)
            else None,
        )
    scheme = match["scheme"].lower()
    if scheme == "file":
        return _local_uri(match["slashes"] + match["rest"])
    if scheme not in {"s3", "gs", "az", "abfs", "abfss"}:
        raise _unknown_scheme(scheme, match["rest"])
    if match["slashes"] != "//":
        rest = match["rest"] if "@" not in match["rest"] else "…"
        raise UriError(
            f"`{scheme}:` is followed by {len(match['slashes'])} slashes instead of 2",
            remedy=write_instead(f"{scheme}://{rest}") or f"Write `{scheme}://…`.",
        )
    authority, path = _authority_and_path(match["rest"])
    prefix = _prefix(path)
    try:
        if scheme == "s3":
            return S3Uri(names.s3_bucket(_no_login(authority)), prefix)
        if scheme == "gs":
            return GcsUri(names.gcs_bucket(_no_login(authority)), prefix)
        return _azure(scheme, authority, prefix)
    except UriError:
        raise
    except Refusal as error:
        raise UriError(error.what, error.why, error.remedy) from error


def _local_uri(rest: str) -> LocalPath:
    if rest.startswith("//localhost/"):
        rest = rest.removeprefix("//localhost")
    elif rest.startswith("///"):
        rest = rest[2:]
    elif not rest.startswith("/") or rest.startswith("//"):
        raise UriError(
            "the file URI does not hold an absolute path of this machine",
            remedy="Write `file:///path`, or the path alone.",
        )
    return _local(rest)


def _local(text: str) -> LocalPath:
    expanded = os.path.expanduser(text)  # noqa: PTH111 (pathlib would raise for an unknown user)
    if expanded.startswith("~"):
        raise UriError(f"the artifact store {shown(text)} names an unknown user's home")
    return LocalPath(os.path.abspath(expanded))  # noqa: PTH100 (without following links)


def _azure(scheme: str, authority: str, path: str) -> AzureBlobUri:
    container, at, host = authority.partition("@")
    account = None
    if ":" in container:
        raise UriError("the Azure URI holds a login or a port, and no container before `@` or `/`")
    if at:
        # `account.blob…` is the host; a password would stand there too, so nothing is echoed.
        match = _AZURE_HOST.fullmatch(host.lower())
        if not match:
            raise UriError(
                "the host after `@` in the Azure URI is no storage account of the public cloud",
                why="ZenML's Azure connector knows only that cloud",
                remedy=f"Write `{scheme}://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH`, "
                "or `az://CONTAINER/PATH`.",
            )
        account = names.storage_account(match["account"])
    return AzureBlobUri(names.azure_container(container), path, account, scheme)


def _authority_and_path(rest: str) -> tuple[str, str]:
    authority, _, path = rest.partition("/")
    if sign := next((sign for sign in "?#%" if sign in authority), None):
        # A signature or an encoded login may follow: nothing of it is repeated.
        raise UriError(f"the artifact store's URI holds `{sign}` before its path")
    return authority, path


def _prefix(path: str) -> str:
    path = path.strip("/")
    parts = path.split("/") if path else []
    if any(part in {"", ".", ".."} for part in parts):
        raise UriError(
            "the path in the artifact store's URI has an empty part, `.` or `..`",
            why="object stores would keep it as it stands",
        )
    # ZenML cuts quotes off the ends; `?` and `#` mean something in a URI and nothing here.
    if bad := sorted(set(path) & set("?#'\"`\\*")):
        raise UriError(f"the path in the artifact store's URI holds `{' '.join(bad)}`")
    if len(path.encode()) > _LONGEST_KEY:
        raise UriError(f"the path in the artifact store's URI has more than {_LONGEST_KEY} bytes")
    return path


def _no_login(authority: str) -> str:
    if "@" in authority:
        raise UriError(
            "the artifact store's URI holds a login or `@` before the bucket",
            remedy="Write the bucket alone; credentials have an option of their own.",
        )
    if re.search(":(?![0-9]*$)", authority):
        raise UriError("the artifact store's URI holds a login or a port, and no bucket before `/`")
    if not authority:
        raise UriError("the artifact store's URI names no bucket")
    return authority


def _unknown_scheme(scheme: str, rest: str) -> UriError:
    remedy = None
    host, _, path = rest.partition("/")
    if scheme in _OTHER_SCHEMES and "@" not in rest:
        remedy = write_instead(f"{_OTHER_SCHEMES[scheme]}://{rest}")
    elif scheme == "arn" and ":s3:::" in f":{rest}":
        remedy = write_instead("s3://" + rest.rpartition(":::")[2])
    elif scheme in {"http", "https"}:
        match = _AZURE_HOST.fullmatch(host.lower())
        if match and path:
            container, _, inside = path.partition("/")
            uri = AzureBlobUri(container, inside.strip("/"), match["account"], "abfs")
            remedy = write_instead(uri)
        elif host == "storage.googleapis.com":
            remedy = write_instead(f"gs://{path}")
        elif bucket := re.fullmatch(r"([a-z0-9.-]+)\.s3[.a-z0-9-]*\.amazonaws\.com", host):
            remedy = f"Write `s3://{bucket[1]}`."
    named = f" {shown(scheme + ':')}" if len(scheme) <= _LONGEST_SCHEME else ""
    return UriError(
        f"the artifact store's scheme{named} is none that a stack can use",
        why="they are `s3://`, `gs://`, `az://`, `abfs://`, `abfss://` and paths",
        remedy=remedy,
    )


def _join(base: str, path: str) -> str:
    return f"{base}/{path}" if path else base
