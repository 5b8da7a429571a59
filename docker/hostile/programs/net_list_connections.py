"""List network connections.

Attempts:  read /proc/net/tcp and look for a service of the host.
Success:   it is in the list.
Proof:     printed
Runs:      python
Executor:  function list
Host:      lets it through: the container sees the connections of the host's network
Socket:    own network namespace (LookupError)
"""

with open("/proc/net/tcp") as file:
    if f":{target['admin']:04X} " not in file.read():
        raise LookupError("no such service")
print("GOT the host's connections")
