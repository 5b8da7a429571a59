"""Open a file of the host by its handle, without a path.

Attempts:  ask for the handle of /etc/hosts, which Docker mounts from the host's disk, and open by it. With the same
           two calls a container with CAP_DAC_READ_SEARCH once read the host's shadow file.
Success:   the kernel opens the handle.
Proof:     printed
Runs:      python
Executor:  import rule
Container: capabilities and seccomp (EPERM, EOPNOTSUPP)
"""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
handle = (ctypes.c_uint32 * 34)(128)
mount = ctypes.c_int()
if libc.name_to_handle_at(-100, b"/etc/hosts", handle, ctypes.byref(mount), 0) != 0:
    raise OSError(ctypes.get_errno(), "name_to_handle_at")
at = os.open("/etc/hosts", os.O_RDONLY)
if libc.open_by_handle_at(at, handle, os.O_RDONLY) < 0:
    raise OSError(ctypes.get_errno(), "open_by_handle_at")
print("GOT a file by its handle")
