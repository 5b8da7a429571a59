"""Acquire a capability.

Attempts:  raise CAP_SYS_ADMIN in the ambient set.
Success:   the kernel does it.
Proof:     printed
Runs:      python
Executor:  import rule
Container: capabilities (EPERM)
"""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
PR_CAP_AMBIENT, RAISE, CAP_SYS_ADMIN = 47, 2, 21
if libc.prctl(PR_CAP_AMBIENT, RAISE, CAP_SYS_ADMIN, 0, 0) != 0:
    raise OSError(ctypes.get_errno(), "prctl")
print("GOT CAP_SYS_ADMIN")
