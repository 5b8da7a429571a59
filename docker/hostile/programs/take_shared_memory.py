"""Fill shared memory.

Attempts:  write 16 MB to /dev/shm; the suite's containers have 8 MB there.
Success:   all of it is written.
Proof:     printed
Runs:      python
Bound:     16 MB
Executor:  function list
Container: size of /dev/shm (ENOSPC)
"""

with open("/dev/shm/large", "wb") as file:
    for _ in range(16):
        file.write(b"x" * 1_000_000)
print("GOT 16 MB of shared memory")
