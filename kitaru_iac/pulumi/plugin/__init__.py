"""The plugin `pulumi-resource-kitaru`: Pulumi's provider protocol over the package's own core.

::

    main.py        the process: start, the engine's address, signals
    servicer.py    the protocol's calls, each mapped to one of the below; errors mapped once
    protocol.py    the protocol's messages, without the SDK around them
    sdk.py         what the SDK answers, once a component is built
    wire.py        values on the wire: secrets, unknowns, numbers
    settings.py    the provider's configuration: which server
    check.py       a resource's inputs → problems, all at once
    changes.py     what an update would do: in place, or replaced
    stacks.py      create, read, update, delete: over `stacks.operations`
    reading.py     what is stored, as properties
    runs.py        which stacks this machine's programs registered
    functions.py   `kitaru:index:verify`
    threads.py     threads for what blocks, apart from the SDK's
    components.py  the component resources, for programs in other languages
    schema.py      the package's schema
"""

from kitaru_iac.pulumi.one_status import unite

unite()
