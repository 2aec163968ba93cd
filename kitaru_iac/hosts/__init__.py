"""Code hosts: what a job says beside a change there, and finds again. It knows no stacks."""
