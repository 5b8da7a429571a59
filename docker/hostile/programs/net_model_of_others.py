"""Read other users' prompts to the same model.

Attempts:  get /slots of the model's server, where some servers show the prompts that are being worked on.
Success:   the canary that the stand-in for such a server shows is printed.
Proof:     canary slots
Runs:      python
Executor:  import rule
Container: lets it through: whoever can talk to a server can ask it anything. course sandbox run starts a separate
           server with --no-slots for each run; share a server with --server only if it has that flag, too
"""

import os
import socket

if os.path.exists(target["llama_socket"]):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(target["llama_socket"])
else:
    connection = socket.create_connection(("127.0.0.1", target["llama_port"]), 3)
with connection:
    connection.sendall(b"GET /slots HTTP/1.0\r\n\r\n")
    print(connection.recv(1000))
