"""Read the password hashes.

Attempts:  open /etc/shadow and look for root's line; the line itself is not printed.
Success:   the line was read.
Proof:     printed
Runs:      python
Executor:  function list
Container: user 1000 (EACCES)
"""

with open("/etc/shadow") as file:
    if any(line.startswith("root:") for line in file):
        print("GOT root's line")
