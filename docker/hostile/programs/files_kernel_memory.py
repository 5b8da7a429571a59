"""Read the kernel's memory.

Attempts:  read the first 16 bytes of /proc/kcore.
Success:   there are any.
Proof:     printed
Runs:      python
Executor:  function list
Container: masked path, or no such file in this kernel (AssertionError, EACCES, EPERM, ENOENT)
"""

with open("/proc/kcore", "rb") as file:
    assert file.read(16), "empty: Docker has put /dev/null over it"
    print("GOT the kernel's memory")
