"""Put a program where other users will run it.

Attempts:  write a file to /usr/local/bin.
Success:   it is there.
Proof:     printed
Runs:      python
Executor:  function list
Container: read-only root (EROFS, EACCES)
"""

with open("/usr/local/bin/canary", "w") as file:
    file.write("#!/bin/sh\n")
print("GOT a program in /usr/local/bin")
