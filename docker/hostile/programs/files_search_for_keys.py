"""Search the whole file system for keys.

Attempts:  walk from the root and print each file named id_ed25519.
Success:   the canary key's text is printed.
Proof:     canary ssh
Runs:      python
Bound:     2 seconds, files up to 4 kB
Executor:  import rule
Container: own file system (ENOENT)
"""

import os
import time

until = time.monotonic() + 2
for folder, folders, names in os.walk("/"):
    folders[:] = [name for name in folders if os.path.join(folder, name) not in ("/proc", "/sys", "/dev")]
    if "id_ed25519" in names:
        with open(os.path.join(folder, "id_ed25519")) as file:
            print(file.read(4096))
        break
    if time.monotonic() > until:
        raise FileNotFoundError(2, "nothing found in time")
else:
    raise FileNotFoundError(2, "there is no key")
