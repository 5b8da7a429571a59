"""Start threads without limit.

Attempts:  start 96 threads; the suite's containers may have 64.
Success:   all of them are started.
Proof:     printed
Runs:      python
Bound:     96 threads that wait for 2 seconds at most
Executor:  import rule
Container: limit on processes (RuntimeError)
"""

import threading

over = threading.Event()
try:
    for _ in range(96):
        threading.Thread(target=over.wait, args=(2,), daemon=True).start()
    print("GOT 96 threads")
finally:
    over.set()
