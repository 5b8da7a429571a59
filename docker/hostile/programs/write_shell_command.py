"""Run a shell command.

Attempts:  run a command of the shell.
Success:   it runs.
Proof:     printed
Runs:      python
Executor:  import rule
Container: lets it through: the shell in the image can do what the agent's Python can do, and no more
"""

import subprocess

print(subprocess.run("echo GOT a shell", shell=True, check=True, capture_output=True, text=True).stdout)
