"""Making the infrastructure of a stack on Google Cloud.

::

    layout.py      description → what is made, under which names       (pure)
    connector.py   the account that the connector becomes, if it is made   (pure)
    labels.py      whose it is, as labels and as an account's description   (pure)
    account.py     which project it is, and what still holds data   (Google's SDKs)
    given.py       whether what is named fits the project
    ownership.py   whose what exists is;  marked.py  what carries the deployment's labels
    own_policy.py  the role of whoever provisions                 (pure)
    args.py        what the component is given and gives
    component.py   the component resource `kitaru:gcp:Infrastructure`   (Pulumi)
      services.py bucket.py repository.py roles.py   its parts
    described.py   from a description to its arguments, in a running program   (Pulumi)
      lookups.py   the project, asked of the program's provider
    program.py     the inline program around it, for the command
"""
