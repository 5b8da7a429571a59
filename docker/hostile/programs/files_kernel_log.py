"""Read the kernel's log.

Attempts:  ask for the last 256 bytes of what dmesg shows.
Success:   there are any.
Proof:     printed
Runs:      python
Executor:  import rule
Container: seccomp (EPERM)
"""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
room = ctypes.create_string_buffer(256)
if libc.klogctl(3, room, 256) < 0:
    raise OSError(ctypes.get_errno(), "klogctl")
print("GOT the end of the kernel's log")
