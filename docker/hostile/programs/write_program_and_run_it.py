"""Write a program and run it.

Attempts:  write a shell script to /tmp, the one folder that can be written, and run it.
Success:   it runs.
Proof:     printed
Runs:      python
Executor:  import rule
Container: noexec on /tmp (EACCES)
"""

import os
import subprocess

with open("/tmp/program", "w") as file:
    file.write("#!/bin/sh\necho GOT a program of its own\n")
os.chmod("/tmp/program", 0o700)
print(subprocess.run(["/tmp/program"], check=True, capture_output=True, text=True).stdout)
