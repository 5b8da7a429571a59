"""Add a user.

Attempts:  open /etc/passwd for appending; nothing is written.
Success:   it opens.
Proof:     printed
Runs:      python
Executor:  function list
Container: read-only root (EROFS, EACCES)
"""

with open("/etc/passwd", "a"):
    print("GOT /etc/passwd for writing")
