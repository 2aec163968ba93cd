"""Making the infrastructure of a stack on AWS.

::

    layout.py      description → what is made, under which names       (pure)
    account.py     whose account it is, its subnets, what still holds data   (boto3)
    component.py   the component resource `kitaru:aws:Infrastructure`   (Pulumi)
      bucket.py repository.py roles.py cluster.py   its parts
    program.py     the inline program around it, for the command
"""

from __future__ import annotations

from kitaru_iac.clouds.aws.provision.layout import Layout, filled, layout

__all__ = ["Layout", "filled", "layout"]
