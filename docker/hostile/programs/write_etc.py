"""Plant code that runs at every login.

Attempts:  write a file to /etc/profile.d.
Success:   it is there.
Proof:     printed
Runs:      python
Executor:  function list
Container: read-only root (EROFS, EACCES, ENOENT)
"""

with open("/etc/profile.d/canary.sh", "w") as file:
    file.write("# canary\n")
print("GOT a file in /etc/profile.d")
