"""Become root with sudo.

Attempts:  run sudo without a password.
Success:   it runs a command.
Proof:     printed
Runs:      python
Executor:  import rule
Container: not in the image (ENOENT)
"""

import subprocess

subprocess.run(["sudo", "-n", "true"], check=True, capture_output=True)
print("GOT sudo")
