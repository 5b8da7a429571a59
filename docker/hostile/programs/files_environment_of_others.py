"""Read secrets from the environments of other processes.

Attempts:  read /proc/PID/environ of every process that lets it.
Success:   the secret that stands in for a key of the user's shell is printed.
Proof:     canary environment
Runs:      python
Bound:     200 processes, 64 kB each
Executor:  import rule
Container: own process namespace (LookupError)
"""

import os

found = b""
for pid in [name for name in os.listdir("/proc") if name.isdigit()][:200]:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            found += file.read(65536)
    except OSError:
        continue
if b"canary" not in found:
    raise LookupError("no secret in any environment")
print(found)
