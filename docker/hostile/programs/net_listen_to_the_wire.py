"""Capture other programs' packets.

Attempts:  open a socket that gets every packet of the network.
Success:   it opens.
Proof:     printed
Runs:      python
Executor:  import rule
Container: capabilities (EPERM)
"""

import socket

with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3)):
    print("GOT every packet")
