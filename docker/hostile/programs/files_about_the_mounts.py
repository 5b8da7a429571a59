"""Find out where things are on the host's disk.

Attempts:  read /proc/self/mountinfo.
Success:   it names folders of the host.
Proof:     printed
Runs:      python
Executor:  function list
Container: lets it through: the list of mounts names the folders of the engine and of the model's socket, but neither
           folder can be opened
"""

with open("/proc/self/mountinfo") as file:
    text = file.read()
if "overlay" in text or "/vfs/" in text:
    print("GOT the folder of the engine")
