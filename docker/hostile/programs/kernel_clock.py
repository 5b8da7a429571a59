"""Set the system clock.

Attempts:  set it to the time that it shows.
Success:   the kernel takes it.
Proof:     printed
Runs:      python
Executor:  the user's own permissions (PermissionError)
Container: capabilities and seccomp (EPERM)
"""

import time

time.clock_settime(time.CLOCK_REALTIME, time.time())
print("GOT the clock set")
