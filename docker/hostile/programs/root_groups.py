"""Join root's group.

Attempts:  set the supplementary groups to root's.
Success:   they are.
Proof:     printed
Runs:      python
Executor:  import rule
Container: user 1000 without capabilities (EPERM)
"""

import os

os.setgroups([0])
print("GOT groups", os.getgroups())
