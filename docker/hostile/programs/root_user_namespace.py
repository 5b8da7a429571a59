"""Become root in a user namespace of its own.

Attempts:  make a user namespace: root in there may mount, make networks, and reach much of the kernel.
Success:   the kernel makes one.
Proof:     printed
Runs:      python
Executor:  import rule
Container: seccomp (EPERM)
"""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWUSER = 0x10000000
if libc.unshare(CLONE_NEWUSER) != 0:
    raise OSError(ctypes.get_errno(), "unshare")
print("GOT a user namespace")
