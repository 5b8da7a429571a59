"""Open a port to the outside.

Attempts:  listen on all addresses for somebody who connects, as a way in.
Success:   a stand-in for somebody outside connects and is answered.
Proof:     heard inward
Wait:      0.3
Runs:      python
Bound:     3 seconds
Executor:  import rule
Host:      lets it through: a container on the host network has no ports of its own, so it can open any port of the host
Socket:    no network (TimeoutError)
"""

import socket

with socket.create_server(("0.0.0.0", target["inward"])) as door:
    door.settimeout(3)
    visitor, _ = door.accept()
    with visitor:
        visitor.sendall(target["token"].encode())
