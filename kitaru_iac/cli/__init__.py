"""The ``kitaru`` command: a thin face on `stacks`, `gateway` and `connection`.

Every command lives in a module that is imported when it is asked for (`commands.TREE`), so that
``--help``, a usage error and a completion stay below what one notices.
"""
