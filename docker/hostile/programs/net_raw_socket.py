"""Forge packets with a raw socket.

Attempts:  open a raw socket.
Success:   it opens.
Proof:     printed
Runs:      python
Executor:  import rule
Container: capabilities (EPERM)
"""

import socket

with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP):
    print("GOT a raw socket")
