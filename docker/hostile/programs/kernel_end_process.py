"""Kill another process.

Attempts:  send the signal to end to a process of the same user on the host.
Success:   the signal is sent.
Proof:     printed
Runs:      python
Executor:  import rule
Container: own process namespace (ESRCH)
"""

import os
import signal

os.kill(target["victim"], signal.SIGTERM)
print("GOT a process ended")
