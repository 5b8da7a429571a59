"""Look for services on loopback.

Attempts:  try seven ports around that of a service of the host.
Success:   one is open.
Proof:     printed
Runs:      python
Bound:     seven ports
Executor:  import rule
Host:      lets it through: with --network host, the agent's code can find and try whatever listens on the host's
           loopback
Socket:    no network (ECONNREFUSED)
"""

import socket

for port in range(target["admin"] - 3, target["admin"] + 4):
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            print("GOT an open port")
            break
else:
    raise ConnectionRefusedError(111, "none is open")
