"""Find out what computer this is.

Attempts:  read /proc/version, /proc/uptime and /proc/meminfo.
Success:   they say something.
Proof:     printed
Runs:      python
Executor:  function list
Container: lets it through: a container shares the host's kernel, so it sees its version, uptime and memory size. None
           of that is a secret of the user
"""

for name in ("version", "uptime", "meminfo"):
    with open("/proc/" + name) as file:
        print("GOT", file.read(60))
