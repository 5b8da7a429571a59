"""Raise its own limit on open files.

Attempts:  ask for one more than the hard limit.
Success:   the kernel grants it.
Proof:     printed
Runs:      python
Executor:  import rule
Container: user 1000 without capabilities (ValueError)
"""

import resource

_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard + 1, hard + 1))
print("GOT a higher limit")
