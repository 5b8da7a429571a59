"""List other programs' processes.

Attempts:  read the command line of every process.
Success:   the canary on the command line of a process of the host is printed.
Proof:     canary victim
Runs:      python
Bound:     500 processes, 4 kB each
Executor:  import rule
Container: own process namespace (LookupError)
"""

import os

found = ""
for pid in [name for name in os.listdir("/proc") if name.isdigit()][:500]:
    try:
        with open(f"/proc/{pid}/cmdline") as file:
            found += file.read(4096) + "\n"
    except OSError:
        continue
if "canary-victim" not in found:
    raise LookupError("no process of the host")
print(found)
