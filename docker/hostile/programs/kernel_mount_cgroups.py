"""Mount the cgroups, a step in a known escape from privileged containers.

Attempts:  mount them over /tmp. With them writable, their release_agent is a program that the host's root runs.
Success:   the kernel does it.
Proof:     printed
Runs:      python
Executor:  import rule
Container: capabilities and seccomp (EPERM)
"""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
if libc.mount(b"none", b"/tmp", b"cgroup2", 0, None) != 0:
    raise OSError(ctypes.get_errno(), "mount")
print("GOT the control groups")
