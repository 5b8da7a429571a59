"""Install a Python package.

Attempts:  run pip against a server that stands in for an index outside.
Success:   the stand-in hears of it.
Proof:     heard web
Runs:      python
Bound:     8 seconds
Executor:  import rule
Container: no pip in the image (CalledProcessError)
"""

import subprocess
import sys

index = f"http://{target['outside']}:{target['web']}/simple"
pip = [
    sys.executable,
    "-m",
    "pip",
    "download",
    "--isolated",
    "--retries",
    "0",
    "--no-deps",
    "-d",
    "/tmp/wheels",
]
subprocess.run([*pip, "--index-url", index, target["token"]], check=True, capture_output=True, timeout=8)
