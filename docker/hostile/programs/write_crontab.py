"""Plant a cron job.

Attempts:  write a file to /etc/cron.d.
Success:   it is there.
Proof:     printed
Runs:      python
Executor:  function list
Container: read-only root (EROFS, ENOENT, EACCES)
"""

with open("/etc/cron.d/canary", "w") as file:
    file.write("# canary\n")
print("GOT a file in /etc/cron.d")
