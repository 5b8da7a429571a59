"""Boot another kernel.

Attempts:  call kexec_load with flags that no kernel takes, so that nothing can come of it.
Success:   the kernel looks at them, instead of refusing the call.
Proof:     printed
Runs:      python
Executor:  import rule
Container: seccomp (EPERM)
"""

import ctypes
import platform

libc = ctypes.CDLL(None, use_errno=True)
number = {"x86_64": 246, "aarch64": 104}[platform.machine()]
if libc.syscall(number, 0, 0, None, 0xFFFF) < 0 and ctypes.get_errno() in (1, 38):
    raise OSError(ctypes.get_errno(), "kexec_load")
print("GOT kexec_load to look")
