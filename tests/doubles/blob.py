"""Azure's data planes on loopback: blob containers with their blobs, and a registry's tokens."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

from tests.doubles.entra import Entra
from tests.doubles.web import Request, Response, json_response, xml_response

BLOB_SUFFIX = ".blob.core.windows.net"
REGISTRY_SUFFIX = ".azurecr.io"
_PREFIX = "Microsoft.Storage/storageAccounts/blobServices/containers"
_STAMP = {"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT", "ETag": '"0x8DLOOPBACK"'}


class BlobStorage:
    """Containers and blobs of every storage account, in memory."""

    def __init__(self, entra: Entra, denied: set[str]) -> None:
        self._entra = entra
        self._denied = denied
        #: Account → container → blob name → content.
        self.accounts: dict[str, dict[str, dict[str, bytes]]] = {}

    def plays(self, host: str) -> bool:
        return host.endswith(BLOB_SUFFIX) and host.removesuffix(BLOB_SUFFIX) in self.accounts

    def __call__(self, request: Request) -> Response:
        if not self._entra.knows(request.bearer):
            return _error(
                401,
                "NoAuthenticationInformation"
                if request.bearer is None
                else "InvalidAuthenticationInfo",
                "Server failed to authenticate the request.",
            )
        account = self.accounts[request.host.removesuffix(BLOB_SUFFIX)]
        name, _, blob = request.path.strip("/").partition("/")
        if not name:
            return self._containers(account, request.host)
        if name not in account:
            return _error(404, "ContainerNotFound", "The specified container does not exist.")
        if blob:
            return self._blob(account[name], blob, request)
        if request.query.get("comp") == ["list"]:
            return self._blobs(account[name], name, request)
        if f"{_PREFIX}/read" in self._denied:
            return _mismatch()
        return Response(200, b"", {**_STAMP, "x-ms-lease-state": "available"})

    def _containers(self, account: dict[str, dict[str, bytes]], host: str) -> Response:
        if f"{_PREFIX}/read" in self._denied:
            return _mismatch()
        listed = "".join(
            f"<Container><Name>{escape(name)}</Name><Properties>{_properties()}</Properties></Container>"
            for name in sorted(account)
        )
        return xml_response(
            f'<EnumerationResults ServiceEndpoint="https://{host}/">'
            f"<Containers>{listed}</Containers><NextMarker/></EnumerationResults>"
        )

    def _blobs(self, blobs: dict[str, bytes], container: str, request: Request) -> Response:
        if f"{_PREFIX}/blobs/read" in self._denied:
            return _mismatch()
        prefix = request.query.get("prefix", [""])[0]
        listed = "".join(
            f"<Blob><Name>{escape(name)}</Name><Properties>{_properties()}"
            f"<Content-Length>{len(content)}</Content-Length><BlobType>BlockBlob</BlobType>"
            "</Properties></Blob>"
            for name, content in sorted(blobs.items())
            if name.startswith(prefix)
        )
        return xml_response(
            f'<EnumerationResults ServiceEndpoint="https://{request.host}/" '
            f'ContainerName="{container}"><Blobs>{listed}</Blobs><NextMarker/></EnumerationResults>'
        )

    def _blob(self, blobs: dict[str, bytes], name: str, request: Request) -> Response:
        verb = {"PUT": "write", "DELETE": "delete"}.get(request.method, "read")
        if f"{_PREFIX}/blobs/{verb}" in self._denied:
            return _mismatch()
        if request.method == "PUT":
            blobs[name] = request.body
            return Response(201, b"", dict(_STAMP))
        if name not in blobs:
            return _error(404, "BlobNotFound", "The specified blob does not exist.")
        if request.method == "DELETE":
            del blobs[name]
            return Response(202)
        return _content(blobs[name], request)


class RegistryTokens:
    """The token exchange of container registries; no images."""

    def __init__(self, entra: Entra) -> None:
        self._entra = entra
        self.registries: set[str] = set()

    def plays(self, host: str) -> bool:
        return host in self.registries

    def __call__(self, request: Request) -> Response:
        form = request.form
        if request.path == "/oauth2/exchange" and self._entra.knows(form.get("access_token")):
            return json_response({"refresh_token": self._entra.issue_token(request.host)})
        if request.path == "/oauth2/token" and self._entra.knows(form.get("refresh_token")):
            return json_response({"access_token": self._entra.issue_token(request.host)})
        if request.path.startswith("/oauth2/"):
            error = {"code": "UNAUTHORIZED", "message": "authentication required"}
            return json_response({"errors": [error]}, 401)
        challenge = f'Bearer realm="https://{request.host}/oauth2/token",service="{request.host}"'
        return Response(401, b"", {"Www-Authenticate": challenge})


def _content(content: bytes, request: Request) -> Response:
    """The whole blob, or the range asked for."""
    headers = {**_STAMP, "Content-Type": "application/octet-stream", "x-ms-blob-type": "BlockBlob"}
    asked = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("x-ms-range", ""))
    if asked is None:
        return Response(200, content, headers | {"Content-Length": str(len(content))})
    first, last = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
    if first >= len(content):
        return _error(416, "InvalidRange", "The range specified is invalid.")
    headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
    return Response(206, content[first : last + 1], headers)


def _properties() -> str:
    return f"<Last-Modified>{_STAMP['Last-Modified']}</Last-Modified><Etag>0x8DLOOPBACK</Etag>"


def _mismatch() -> Response:
    return _error(
        403,
        "AuthorizationPermissionMismatch",
        "This request is not authorized to perform this operation using this permission.",
    )


def _error(status: int, code: str, message: str) -> Response:
    return xml_response(
        f"<Error><Code>{code}</Code><Message>{message}</Message></Error>",
        status,
        **{"x-ms-error-code": code},
    )
