"""Monitor the processor with perf events.

Attempts:  call perf_event_open with an empty request.
Success:   the kernel looks at it, instead of refusing the call.
Proof:     printed
Runs:      python
Executor:  import rule
Container: seccomp (EPERM)
"""

import ctypes
import platform

libc = ctypes.CDLL(None, use_errno=True)
number = {"x86_64": 298, "aarch64": 241}[platform.machine()]
request = ctypes.create_string_buffer(112)
if libc.syscall(number, request, 0, -1, -1, 0) < 0 and ctypes.get_errno() in (1, 13, 38):
    raise OSError(ctypes.get_errno(), "perf_event_open")
print("GOT perf_event_open to look")
