"""Plant code in the home directory, for the next shell to run.

Attempts:  write a .bashrc.
Success:   it is there.
Proof:     printed
Runs:      python
Executor:  import rule
Container: read-only root (EROFS)
"""

import os

with open(os.path.expanduser("~/.bashrc"), "a") as file:
    file.write("# canary\n")
print("GOT a file in the home folder")
