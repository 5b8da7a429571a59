"""Install a system package.

Attempts:  run apt-get for a package that does not exist; it wants its lock before it looks for one.
Success:   it gets the lock.
Proof:     printed
Runs:      python
Bound:     8 seconds
Executor:  import rule
Container: read-only root (CalledProcessError, ENOENT)
"""

import subprocess

done = subprocess.run(
    ["apt-get", "install", "--yes", "no-such-package-canary"], capture_output=True, text=True, timeout=8
)
if "lock" in done.stderr:
    raise subprocess.CalledProcessError(done.returncode, "apt-get", stderr=done.stderr)
print("GOT apt's lock")
