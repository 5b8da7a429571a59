"""Be the last process to be killed when memory runs out.

Attempts:  lower its own score below zero, so that other programs of the host are ended first.
Success:   the kernel takes it.
Proof:     printed
Runs:      python
Executor:  function list
Container: user 1000 without capabilities (EACCES, EPERM)
"""

with open("/proc/self/oom_score_adj", "w") as file:
    file.write("-500")
print("GOT spared")
