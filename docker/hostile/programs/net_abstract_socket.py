"""Talk to a program of the host over an abstract socket.

Attempts:  connect to an abstract Unix socket of the host. Such sockets belong to the network, not to the file system:
           over one of them containers on the host network took over containerd (CVE-2020-15257).
Success:   the stand-in hears it.
Proof:     heard abstract
Runs:      python
Executor:  import rule
Host:      lets it through: abstract sockets belong to the host's network, no matter which files are hidden
Socket:    no network (ECONNREFUSED)
"""

import socket

with socket.socket(socket.AF_UNIX) as connection:
    connection.connect("\0" + target["abstract"])
    connection.sendall(target["token"].encode())
