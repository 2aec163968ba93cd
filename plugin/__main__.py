"""The plugin of the package, as `PulumiPlugin.yaml` has it started."""

from kitaru_iac.pulumi.plugin.main import main

main()
