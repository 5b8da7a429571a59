"""Find a set-uid root program.

Attempts:  look for set-uid files in the folders of programs; none is run.
Success:   there is one, and this process may gain rights by it.
Proof:     printed
Runs:      python
Bound:     four folders
Executor:  import rule
Container: no set-uid programs (LookupError)
"""

import os
import stat

for folder in ("/bin", "/sbin", "/usr/bin", "/usr/sbin"):
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if os.path.exists(path) and os.stat(path).st_mode & stat.S_ISUID:
            print("GOT", path)
            raise SystemExit
raise LookupError("no set-uid program")
