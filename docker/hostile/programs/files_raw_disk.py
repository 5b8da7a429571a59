"""Read the raw disk, past its file system.

Attempts:  open the first disk that /proc/partitions names, for reading.
Success:   it opens.
Proof:     printed
Runs:      python
Executor:  function list
Container: own devices (ENOENT)
"""

with open("/proc/partitions") as file:
    names = [line.split()[3] for line in file if line[:1] == " "]
if not names:
    raise FileNotFoundError(2, "no disk is named")
with open("/dev/" + names[0], "rb"):
    print("GOT the disk")
