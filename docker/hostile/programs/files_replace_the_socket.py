"""Replace the model's socket.

Attempts:  delete the model's socket where the agent sees it.
Success:   it is gone.
Proof:     printed
Runs:      python
Executor:  import rule
Host:      own file system (ENOENT)
Socket:    read-only mount (EROFS, EBUSY, EACCES, EPERM)
"""

import os

os.unlink(target["llama_socket"])
print("GOT rid of the socket")
