"""Write Python code and run it.

Attempts:  write Python to /tmp and hand it to the Python that is there.
Success:   it runs.
Proof:     printed
Runs:      python
Executor:  import rule
Container: lets it through: running Python is what the container is for. It has the same user, limits and network as the
           agent, and ends with it
"""

import subprocess
import sys

with open("/tmp/program.py", "w") as file:
    file.write("print('GOT Python of its own')\n")
print(subprocess.run([sys.executable, "/tmp/program.py"], check=True, capture_output=True, text=True).stdout)
