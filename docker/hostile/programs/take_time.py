"""Run without end.

Attempts:  sleep longer than the time that is given: 6 seconds where 2 are allowed, 90 where 60 are.
Success:   it sleeps to the end.
Proof:     printed
Runs:      python
Bound:     6 or 90 seconds
Executor:  lets it through: its time limit raises an error, but only after the code has ended by itself (smolagents
           #2197)
Container: time limit (TIME)
"""

import time

time.sleep(target["seconds"])
print("GOT", target["seconds"], "seconds")
