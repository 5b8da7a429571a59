"""Raise its own process limit.

Attempts:  open the file that holds the limit of processes, for writing; nothing is written.
Success:   it opens.
Proof:     printed
Runs:      python
Executor:  import rule
Container: read-only /sys (EROFS, EACCES, ENOENT)
"""

import os

paths = ("/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max")
os.close(os.open(next((path for path in paths if os.path.exists(path)), paths[0]), os.O_WRONLY))
print("GOT its own limit for writing")
