"""Making the infrastructure of a stack on Azure.

::

    layout.py      description → what is made, under which names       (pure)
    names.py       the names
    grants.py      which role the workspace's identity gets, and where   (pure)
    account.py     the subscription, what exists in it, what still holds data
      given.py lookups.py ownership.py holdings.py marked.py   what it asks
    own_policy.py  the role of whoever provisions                   (pure)
    args.py        what the component is given and gives
    component.py   the component resource `kitaru:azure:Infrastructure`   (Pulumi)
      bucket.py repository.py identity.py workspace.py   its parts
    described.py   from a description to its arguments, in a running program   (Pulumi)
    program.py     the inline program around it, for the command
"""
