"""Read another process's memory.

Attempts:  copy one byte from a process of the same user on the host.
Success:   the kernel lets it look.
Proof:     printed
Runs:      python
Executor:  import rule
Container: own process namespace (ESRCH, EPERM)
"""

import ctypes


class Piece(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


libc = ctypes.CDLL(None, use_errno=True)
room = ctypes.create_string_buffer(1)
here, there = Piece(ctypes.addressof(room), 1), Piece(0x10000, 1)
got = libc.process_vm_readv(target["victim"], ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
if got < 0 and ctypes.get_errno() != 14:  # EFAULT: the process was found, that address was not
    raise OSError(ctypes.get_errno(), "process_vm_readv")
print("GOT a look into another process")
