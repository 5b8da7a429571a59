"""Trace another process.

Attempts:  attach to a process of the same user on the host, as a debugger does.
Success:   the kernel lets it.
Proof:     printed
Runs:      python
Executor:  import rule
Container: own process namespace (ESRCH, EPERM)
"""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
PTRACE_ATTACH = 16
if libc.ptrace(PTRACE_ATTACH, target["victim"], None, None) != 0:
    raise OSError(ctypes.get_errno(), "ptrace")
print("GOT hold of another process")
