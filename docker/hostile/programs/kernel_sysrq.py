"""Send the kernel an emergency command (SysRq).

Attempts:  open /proc/sysrq-trigger for writing; nothing is written.
Success:   it opens.
Proof:     printed
Runs:      python
Executor:  import rule
Container: read-only /proc, or no such file in this kernel (EROFS, EACCES, ENOENT)
"""

import os

os.close(os.open("/proc/sysrq-trigger", os.O_WRONLY))
print("GOT sysrq-trigger for writing")
