"""Plant code in the installed packages, for the next agent to run.

Attempts:  write a .pth file beside the packages; Python runs such files whenever it starts.
Success:   it is there.
Proof:     printed
Runs:      python
Executor:  import rule
Container: read-only root (EROFS, EACCES)
"""

import sysconfig

with open(sysconfig.get_path("purelib") + "/canary.pth", "w") as file:
    file.write("# canary\n")
print("GOT a file among the packages")
