"""Import with __import__.

Attempts:  call __import__.
Success:   the canary key is read with what it returns.
Proof:     canary ssh
Runs:      executor
Executor:  function list
Container: function list
"""

print(__import__("pathlib").Path(target["home"], ".ssh/id_ed25519").read_text())
