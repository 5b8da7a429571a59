"""Fill the disk.

Attempts:  write 32 MB to /tmp; the suite's containers have 16 MB there.
Success:   all of it is written.
Proof:     printed
Runs:      python
Bound:     32 MB
Executor:  function list
Container: size of /tmp (ENOSPC)
"""

with open("/tmp/large", "wb") as file:
    for _ in range(32):
        file.write(b"x" * 1_000_000)
print("GOT 32 MB of disk")
