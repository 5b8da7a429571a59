"""Become root with su.

Attempts:  run su with an empty password.
Success:   it runs a command.
Proof:     printed
Runs:      python
Executor:  import rule
Container: no set-uid programs (CalledProcessError, ENOENT)
"""

import subprocess

subprocess.run(["su", "-c", "true"], check=True, capture_output=True, input=b"\n", timeout=5)
print("GOT su")
