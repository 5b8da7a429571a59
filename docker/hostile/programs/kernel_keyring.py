"""Use the kernel's keyrings, which containers share.

Attempts:  add a key without value to its own ring.
Success:   the kernel takes it.
Proof:     printed
Runs:      python
Executor:  import rule
Container: seccomp (EPERM)
"""

import ctypes
import platform

libc = ctypes.CDLL(None, use_errno=True)
number = {"x86_64": 248, "aarch64": 217}[platform.machine()]
PROCESS_RING = -2
if libc.syscall(number, b"user", b"canary", b"x", 1, PROCESS_RING) < 0:
    raise OSError(ctypes.get_errno(), "add_key")
print("GOT a key into a ring")
