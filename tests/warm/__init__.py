"""Processes that begin where Python has already imported ZenML and the clouds' SDKs.

A command that writes spends most of its time importing packages that never change between two
tests. A process that has done so waits on a socket, and forks for each command; the child gets the
caller's environment, folder and open files, and runs the command as `python` would. What it does
not show: which modules a command imports, and how long a fresh start takes. Tests for which that is
the point start Python themselves, and so do all with ``TESTS_COLD=1``.
"""
