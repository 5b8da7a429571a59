"""Make a set-uid root program.

Attempts:  give a file in /tmp to root, then set its set-uid bit.
Success:   both are done.
Proof:     printed
Runs:      python
Executor:  import rule
Container: user 1000 without capabilities (EPERM)
"""

import os

with open("/tmp/program", "w") as file:
    file.write("#!/bin/sh\n")
os.chown("/tmp/program", 0, 0)
os.chmod("/tmp/program", 0o4755)
print("GOT a set-uid program")
