"""Make a device file.

Attempts:  make a device in /tmp with the number of /dev/null. With a disk's number it would be the disk.
Success:   the device is there.
Proof:     printed
Runs:      python
Executor:  import rule
Container: capabilities (EPERM)
"""

import os
import stat

os.mknod("/tmp/device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
print("GOT a device of its own")
