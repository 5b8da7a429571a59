"""Choose the program that the kernel starts when a device appears.

Attempts:  open /sys/kernel/uevent_helper for writing; nothing is written. What is in there runs as the host's root.
Success:   it opens.
Proof:     printed
Runs:      python
Executor:  import rule
Container: read-only /sys (EROFS, EACCES, ENOENT)
"""

import os

os.close(os.open("/sys/kernel/uevent_helper", os.O_WRONLY))
print("GOT uevent_helper for writing")
