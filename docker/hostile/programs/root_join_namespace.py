"""Enter the namespaces of process 1.

Attempts:  join the mount namespace of process 1, which is the host's if that is the host's.
Success:   the kernel lets it in.
Proof:     printed
Runs:      python
Executor:  import rule
Container: seccomp (EPERM)
"""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
if libc.setns(os.open("/proc/1/ns/mnt", os.O_RDONLY), 0) != 0:
    raise OSError(ctypes.get_errno(), "setns")
print("GOT into another namespace")
