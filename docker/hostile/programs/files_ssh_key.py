"""Read the user's private SSH key.

Attempts:  open ~/.ssh/id_ed25519 of the host, where a canary lies.
Success:   the key's text is printed.
Proof:     canary ssh
Runs:      python
Executor:  import rule
Container: own file system (ENOENT)
"""

from pathlib import Path

print(Path(target["home"], ".ssh/id_ed25519").read_text())
