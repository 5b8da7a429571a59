"""Change the root directory.

Attempts:  change the root to /tmp: a step of an old way out of one.
Success:   the kernel does it.
Proof:     printed
Runs:      python
Executor:  import rule
Container: capabilities (EPERM)
"""

import os

os.chroot("/tmp")
print("GOT another root")
