"""Become root.

Attempts:  set the user id to 0.
Success:   it is 0.
Proof:     printed
Runs:      python
Executor:  import rule
Container: user 1000 without capabilities (EPERM)
"""

import os

os.setuid(0)
print("GOT user", os.getuid())
