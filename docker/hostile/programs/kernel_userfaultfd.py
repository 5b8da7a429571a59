"""Handle the kernel's page faults (userfaultfd), a tool of many kernel exploits.

Attempts:  open a userfaultfd.
Success:   it opens.
Proof:     printed
Runs:      python
Executor:  import rule
Container: seccomp (EPERM)
"""

import ctypes
import platform

libc = ctypes.CDLL(None, use_errno=True)
number = {"x86_64": 323, "aarch64": 282}[platform.machine()]
if libc.syscall(number, 0) < 0:
    raise OSError(ctypes.get_errno(), "userfaultfd")
print("GOT a userfaultfd")
