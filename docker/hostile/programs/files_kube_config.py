"""Read the user's Kubernetes credentials.

Attempts:  open ~/.kube/config of the host, where a canary lies, without any import.
Success:   the file's text is printed.
Proof:     canary kube
Runs:      python
Executor:  function list
Container: own file system (ENOENT)
"""

with open(target["home"] + "/.kube/config") as file:
    print(file.read())
