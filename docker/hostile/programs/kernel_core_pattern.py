"""Choose the program that the kernel starts after a crash.

Attempts:  open /proc/sys/kernel/core_pattern for writing; nothing is written. What is in there runs as the host's root.
Success:   it opens.
Proof:     printed
Runs:      python
Executor:  import rule
Container: read-only /proc/sys (EROFS, EACCES)
"""

import os

os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))
print("GOT core_pattern for writing")
