"""One Kitaru stack for each Pulumi stack, as its configuration describes it."""

import pulumi

from kitaru_iac.pulumi import program

for key, value in program.deploy(program.description()).items():
    pulumi.export(key, value)
