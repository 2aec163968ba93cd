"""What every resource of this package tells the engine: which plugin is its own, and where it is.

As the SDKs do that are generated from the schema: where the engine does not find that plugin, it
fetches it from the package's release, and not from Pulumi's own, which have none of this name.
"""

import pulumi

from kitaru_iac._version import __version__
from kitaru_iac.pulumi.plugin.package import download_url

__all__ = ["invoke_options", "resource_options"]


def resource_options() -> pulumi.ResourceOptions:
    """The options under a resource's own."""
    return pulumi.ResourceOptions(version=__version__, plugin_download_url=download_url())


def invoke_options(opts: pulumi.InvokeOptions | None) -> pulumi.InvokeOptions:
    """A function's options over ours."""
    ours = pulumi.InvokeOptions(version=__version__, plugin_download_url=download_url())
    return pulumi.InvokeOptions.merge(ours, opts)
