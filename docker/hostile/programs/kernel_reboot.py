"""Restart the computer.

Attempts:  call reboot with numbers that no kernel takes, so that nothing can come of it.
Success:   the kernel looks at them, instead of refusing the call.
Proof:     printed
Runs:      python
Executor:  import rule
Container: seccomp (EPERM)
"""

import ctypes
import platform

libc = ctypes.CDLL(None, use_errno=True)
number = {"x86_64": 169, "aarch64": 142}[platform.machine()]
if libc.syscall(number, 1, 2, 3, None) < 0 and ctypes.get_errno() in (1, 38):
    raise OSError(ctypes.get_errno(), "reboot")
print("GOT reboot to look")
