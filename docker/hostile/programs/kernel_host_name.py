"""Change the host name.

Attempts:  set the name of the host to the one that it has.
Success:   the kernel takes it.
Proof:     printed
Runs:      python
Executor:  import rule
Container: capabilities and seccomp (EPERM)
"""

import socket

socket.sethostname(socket.gethostname())
print("GOT the name of the host set")
