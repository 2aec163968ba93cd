"""The provider class: which ZenML server the stacks are registered on."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from kitaru_iac.pulumi.options import resource_options

__all__ = ["Provider", "ProviderArgs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderArgs:
    """The connection to a ZenML server.

    Left out, it is that of the machine: the active connection of ``kitaru login``, or what the
    environment variables ``ZENML_STORE_URL`` and ``ZENML_STORE_API_KEY`` say.

    Attributes:
        url: The server's address; `local` for this machine's local store.
        api_key: The API key of a service account. Always kept as a secret.
        verify_ssl: Whether the server's certificate is verified. True if left out.
    """

    url: pulumi.Input[str] | None = None
    api_key: pulumi.Input[str] | None = None
    verify_ssl: pulumi.Input[bool] | None = None


class Provider(pulumi.ProviderResource):
    """Registers stacks on the ZenML server that its arguments name."""

    url: pulumi.Output[str | None]
    """The server's address."""

    def __init__(
        self,
        resource_name: str,
        args: ProviderArgs | None = None,
        opts: pulumi.ResourceOptions | None = None,
        *,
        url: pulumi.Input[str] | None = None,
        api_key: pulumi.Input[str] | None = None,
        verify_ssl: pulumi.Input[bool] | None = None,
    ) -> None:
        """Connect, with a `ProviderArgs` or with its fields.

        Args:
            resource_name: The provider's name in the program.
            args: The connection.
            opts: Pulumi's options.
            url: The server's address.
            api_key: The API key of a service account.
            verify_ssl: Whether the server's certificate is verified.
        """
        given = ProviderArgs(url=url, api_key=api_key, verify_ssl=verify_ssl)
        if args is not None and given != ProviderArgs():
            raise TypeError("Provider got both args and some of their fields")
        given = args or given
        props = {
            "url": given.url,
            "apiKey": None if given.api_key is None else pulumi.Output.secret(given.api_key),
            # A provider's properties are text on the wire.
            "verifySsl": None
            if given.verify_ssl is None
            else pulumi.Output.json_dumps(given.verify_ssl),
        }
        super().__init__(
            "kitaru", resource_name, props, pulumi.ResourceOptions.merge(resource_options(), opts)
        )
