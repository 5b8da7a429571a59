"""Make the file system writable.

Attempts:  remount the root for writing.
Success:   the kernel does it.
Proof:     printed
Runs:      python
Executor:  import rule
Container: capabilities and seccomp (EPERM)
"""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
MS_REMOUNT, MS_BIND = 32, 4096
if libc.mount(None, b"/", None, MS_REMOUNT | MS_BIND, None) != 0:
    raise OSError(ctypes.get_errno(), "mount")
print("GOT a writable root")
