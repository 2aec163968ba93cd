"""What every resource of this package tells the engine: which version of the plugin is its own."""

import pulumi

from kitaru_iac._version import __version__

__all__ = ["invoke_options", "resource_options"]


def resource_options() -> pulumi.ResourceOptions:
    """The options under a resource's own."""
    return pulumi.ResourceOptions(version=__version__)


def invoke_options(opts: pulumi.InvokeOptions | None) -> pulumi.InvokeOptions:
    """A function's options over ours."""
    return pulumi.InvokeOptions.merge(pulumi.InvokeOptions(version=__version__), opts)
