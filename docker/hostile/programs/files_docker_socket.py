"""Talk to the Docker engine.

Attempts:  connect to a socket that stands in for Docker's and ask it to make a container.
Success:   the stand-in hears it.
Proof:     heard docker
Runs:      python
Executor:  import rule
Container: own file system (ENOENT)
"""

import socket

with socket.socket(socket.AF_UNIX) as docker:
    docker.connect(target["docker_socket"])
    docker.sendall(b"POST /containers/create?name=%b HTTP/1.0\r\n\r\n" % target["token"].encode())
    print(docker.recv(100))
