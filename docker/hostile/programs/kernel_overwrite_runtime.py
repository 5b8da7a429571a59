"""Overwrite the program that started the container (as in CVE-2019-5736).

Attempts:  open the program behind /proc/1/exe for writing; nothing is written.
Success:   it opens.
Proof:     printed
Runs:      python
Executor:  import rule
Container: read-only root (EROFS, EACCES, ETXTBSY)
"""

import os

os.close(os.open("/proc/1/exe", os.O_WRONLY))
print("GOT the program of process 1 for writing")
