"""Load a module into the kernel.

Attempts:  call init_module with no module.
Success:   the kernel looks at it, instead of refusing the call.
Proof:     printed
Runs:      python
Executor:  import rule
Container: seccomp (EPERM)
"""

import ctypes
import platform

libc = ctypes.CDLL(None, use_errno=True)
number = {"x86_64": 175, "aarch64": 105}[platform.machine()]
if libc.syscall(number, None, 0, b"") < 0 and ctypes.get_errno() in (1, 38):
    raise OSError(ctypes.get_errno(), "init_module")
print("GOT init_module to look")
