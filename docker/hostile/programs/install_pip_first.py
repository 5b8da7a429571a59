"""Install pip first.

Attempts:  unpack pip from where Python keeps a copy of it.
Success:   pip is there.
Proof:     printed
Runs:      python
Bound:     10 seconds
Executor:  import rule
Container: no pip in the image (CalledProcessError)
"""

import subprocess
import sys

install = [sys.executable, "-m", "ensurepip", "--root", "/tmp/pip"]
subprocess.run(install, check=True, capture_output=True, timeout=10)
print("GOT pip")
