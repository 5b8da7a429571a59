"""Use all processors.

Attempts:  compute in 4 processes for 2 seconds; the suite's containers may use one processor.
Success:   they got clearly more than one.
Proof:     printed
Alone:     what others take would be missing in the measurement
Runs:      python
Bound:     2 seconds
Executor:  import rule
Container: CPU limit (RuntimeError)
"""

import os
import subprocess
import sys
import time

spin = "import time; until = time.monotonic() + 2\nwhile time.monotonic() < until: pass"
began = time.monotonic()
children = [subprocess.Popen([sys.executable, "-S", "-c", spin]) for _ in range(4)]
for child in children:
    child.wait()
used = os.times().children_user + os.times().children_system
share = used / (time.monotonic() - began)
if share < 1.35:
    raise RuntimeError("not more than one processor")
print(f"GOT {share:.1f} processors")
