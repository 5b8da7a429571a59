"""Load a BPF program into the kernel.

Attempts:  call bpf with no program.
Success:   the kernel looks at it, instead of refusing the call.
Proof:     printed
Runs:      python
Executor:  import rule
Container: seccomp (EPERM)
"""

import ctypes
import platform

libc = ctypes.CDLL(None, use_errno=True)
number = {"x86_64": 321, "aarch64": 280}[platform.machine()]
if libc.syscall(number, 5, None, 0) < 0 and ctypes.get_errno() in (1, 38):
    raise OSError(ctypes.get_errno(), "bpf")
print("GOT bpf to look")
