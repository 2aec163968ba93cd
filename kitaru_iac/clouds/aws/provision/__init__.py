"""Making the infrastructure of a stack on AWS.

::

    layout.py      description → what is made, under which names       (pure)
    subnets.py     which subnets a new cluster gets                 (pure)
    account.py     whose account it is, its subnets, what still holds data   (boto3)
    own_policy.py  the policy of whoever provisions                 (pure)
    encryption.py  the key of an existing bucket   (boto3)
    args.py        what the component is given and gives
    used.py        what the roles may use, from these arguments     (pure)
    component.py   the component resource `kitaru:aws:Infrastructure`   (Pulumi)
      bucket.py repository.py roles.py cluster.py cluster_access.py network.py   its parts
    described.py   from a description to its arguments, in a running program   (Pulumi)
      lookups.py   the account and the subnets, asked of the program's provider
    program.py     the inline program around it, for the command
"""
