"""Mount a file system.

Attempts:  mount an empty one over /tmp.
Success:   the kernel does it.
Proof:     printed
Runs:      python
Executor:  import rule
Container: capabilities and seccomp (EPERM)
"""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
if libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) != 0:
    raise OSError(ctypes.get_errno(), "mount")
print("GOT a mount")
