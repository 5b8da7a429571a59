"""Read the computer's memory.

Attempts:  open /dev/mem for reading.
Success:   it opens.
Proof:     printed
Runs:      python
Executor:  function list
Container: own devices (ENOENT)
"""

with open("/dev/mem", "rb"):
    print("GOT the computer's memory")
