# %% [markdown]
# # 09 · The container is the sandbox
#
# An agent runs code that a model wrote. In lesson 03 `import os` failed, and the lesson said that
# this is no sandbox. Here you see why, put the agent into a container, and attack that too: ten
# small programs try to get out, and you predict what stops each.
#
# **After this lesson you can** name the layer that stops an attempt, build and start the agent's
# container, say which launches would open it again, and show what `--network host` gives away
# and how a socket closes it.
#
# **Minutes:** 50 · **Needs:** lessons 01 and 03; on Linux a Docker engine, if you want to see the
# containers live. Without one you read what they did from a table that comes with the course.

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from hostile import attempts
from course import check, sandbox
from course.sandbox import container, refusals
from course.agent import LEOPARD
from course.errors import CourseError
from course.server import Server

# %% [markdown]
# The container of this lesson gets a server of its own, of the embedded model, on a socket. What
# `SERVER` and `PROFILE` name is left alone. With a Docker engine, set `BUILD = True` once: it
# makes the image, out of a base image from a registry and locked wheels.

# %%
BUILD = False

print(sandbox.shown(container.build_command()))
if BUILD:
    container.build(container.build_command(), say=lambda _: None)

# %% [markdown]
# The same on the command line is `course sandbox build`. What is in that image: Python,
# smolagents, this course's code. What is not: a model, a key, `pip`, a compiler, a program that
# makes its user root.
#
# Can containers be run here? If not, this says why, and the lesson goes on with what they did
# elsewhere.

# %%
why_not = attempts.boxes()
boxed = why_not is None
print(why_not or "Docker's engine and the image are here: the containers below are live.")
seen_on = attempts.committed()["seen on"]
print("The committed table was made on", *(f"{name} {of}" for name, of in seen_on.items()))

# %% [markdown]
# ## Where does the agent's code run?
#
# In the agent's own process, by default. `LocalPythonExecutor` walks through the code and
# refuses what it does not know. Its authors say that it is no security boundary. This is one of
# the programs that the course keeps to try such things:

# %%
(walk,) = attempts.programs(["walk_format"])
print(walk.code)

# %% [markdown]
# No import, no name with two underscores for the executor to find: they are in a text. **Predict:**
# will it print the secret of its environment?
#
# It runs in a process of its own, in a throw-away folder, and the secret is a *canary*: a random
# word, made for this run, that stands in for a key. Whoever prints the word has read the key.

# %%
local = attempts.alone() is None
print(attempts.alone() or "The executor runs live.")
known = attempts.committed()["outcomes"]
outcome = attempts.run([walk], ["executor"]) if local else known
outcome["walk_format"]["executor"]

# %% tags=["nbval-check-output"]
check.claim("the executor lets it through", outcome["walk_format"]["executor"]["through"])

# %% [markdown]
# On your laptop that process could read what you can read: your keys, your browser's cookies,
# your other projects. So the question is not how to make the executor perfect. It is what the
# whole process can reach, once the executor is out of the way.
#
# ## Ten attempts
#
# Read what each one does. None of them is aimed at anything real.

# %%
ten = attempts.programs()
for attempt in ten:
    print(f"{attempt.slug:26}{attempt.title}\n{'':26}{attempt.attempts}")

# %% [markdown]
# In a container they run as plain Python, **as if the executor had been escaped already**: only
# the container is left to stop them. These are layers of a container without a network:
#
# | | layer | what it is |
# |---|---|---|
# | a | own file system | the host's files are not in it |
# | b | own environment | the host's variables are not in it |
# | c | own process namespace | it sees its own processes only |
# | d | read-only root | nothing can be written but a small `/tmp` |
# | e | noexec on /tmp | what is written there cannot be run |
# | f | capabilities and seccomp | the kernel refuses what only root should do |
# | g | no network | there is nobody to connect to |
# | h | none | it gets through |
#
# ### Exercise 09.1 · ★★☆ · 10 minutes
#
# **Predict** for each attempt which layer stops it in the container on the socket: a letter from
# the table. One letter is used three times, and one attempt gets through.
#
# <details><summary>Hint</summary>
# Ask first: what does it have to reach, and is that inside the container at all? If it is, what
# may user 1000 do with it? A shell, for instance, is in the image, as Python is.
# </details>

# %% tags=["stub"]
layers = {
    "files_ssh_key": ...,
    "files_environment": ...,
    "inject_write_this": ...,
    "walk_frames": ...,
    "write_usr": ...,
    "write_program_and_run_it": ...,
    "kernel_list_processes": ...,
    "kernel_mount": ...,
    "net_loopback_read": ...,
    "write_shell_command": ...,
}

# %% tags=["solution"]
layers = dict(zip(attempts.TEN, "abaadecfgh", strict=True))

# %%
LAYERS = {
    "a": "own file system",
    "b": "own environment",
    "c": "own process namespace",
    "d": "read-only root",
    "e": "noexec on /tmp",
    "f": "capabilities and seccomp",
    "g": "no network",
    "h": "GETS THROUGH",
}
truth = {slug: attempts.short(known[slug]["socket"]) for slug in attempts.TEN}
right = [slug for slug, letter in layers.items() if LAYERS.get(letter) == truth[slug]]
print(f"{len(right)} of {len(truth)} are right")
check.exercise("09.1", layers, lambda _: len(right) == len(truth), hint="run them below, come back")

# %% [markdown]
# ## Run them
#
# First in the executor alone, then in a container on the host's network, then in one on the
# socket. That takes a process or a container for each of them, so give it half a minute.

# %%
seen = {slug: dict(known[slug]) for slug in attempts.TEN}
live = (["executor"] if local else []) + (["host", "socket"] if boxed else [])
for slug, ways in attempts.run(ten, live).items() if live else ():
    seen[slug].update(ways)
print("live:", ", ".join(live) or "nothing", "· the rest is from the committed table")

# %% tags=["nbval-check-output"]
print(attempts.table(ten, seen))

# %% [markdown]
# Read it line by line. The executor stops nine of ten, each with one of two rules: a module that
# is not on the list, a function that is not on it. The tenth walks around both, and with that
# all of the host is open. The container stops it where the executor did not, and it does so
# without looking at the code: **the key is not there**.
#
# The last line gets through, and may. A shell in there can do what the agent's Python can do.

# %% tags=["nbval-check-output"]
same = all(seen[s][w]["by"] == known[s][w]["by"] for s in seen for w in seen[s])
check.claim("every outcome is the committed one", same)
stopped = [slug for slug in seen if not seen[slug]["executor"]["through"]]
check.claim("the executor alone stops nine of ten", len(stopped) == 9)
check.claim("the one it misses finds no key in there", not seen["walk_frames"]["socket"]["through"])

# %% [markdown]
# ## All of them
#
# The course keeps more of these programs than ten. Each was run the same three ways, in a network
# made for the test, where addresses of nobody stand in for the outside and for a cloud's
# metadata service.

# %% tags=["nbval-check-output"]
for way, name in (("executor", "executor alone"), ("host", "host network"), ("socket", "socket")):
    through = sum(ways[way]["through"] for ways in known.values())
    print(f"{name:16}{through:>3} of {len(known)} get through")

# %% [markdown]
# Don't read this as a race: one attempt that prints your key outweighs many that learn the size of
# the memory. So read *which* ones. These print a canary, which means somebody's secret:

# %% tags=["nbval-check-output"]
for way in ("executor", "host", "socket"):
    proven = [a.slug for a in attempts.programs(list(known)) if a.proof[0] == "canary"]
    print(f"{way:9}", *[slug for slug in proven if known[slug][way]["through"]])

# %% [markdown]
# In the executor alone they end in your home folder or your environment. On the host's network
# they read what its services say. On the socket one is left: what others asked the same model, if
# you let the agent share a server.
#
# ### Exercise 09.2 · ★★☆ · 5 minutes
#
# Which attempts get through on the host's network and are stopped on the socket? A set of names,
# from `known`.
#
# <details><summary>Hint</summary>
# <code>known[slug]["host"]["through"]</code> is True or False. A set comprehension over
# <code>known</code> with two conditions.
# </details>

# %% tags=["stub"]
closed = ...

# %% tags=["solution"]
got_out = {slug for slug, ways in known.items() if ways["host"]["through"]}
closed = {slug for slug in got_out if not known[slug]["socket"]["through"]}

# %%
on_host = {slug for slug in known if known[slug]["host"]["through"]}
on_socket = {slug for slug in known if known[slug]["socket"]["through"]}
check.exercise("09.2", closed, lambda s: s == on_host - on_socket, hint="through, and not through")

# %% tags=["nbval-check-output"]
for slug in sorted(on_host - on_socket):
    print(f"{slug:28}{known[slug]['socket']['by']}")
check.claim("the socket opens nothing that the host's network has closed", on_socket <= on_host)

# %% [markdown]
# All of it is one thing: the network. You will see it live below.
#
# ## Two ways to open the container again
#
# The article names two mistakes: giving the container Docker's own socket, and `--privileged`.
# `course sandbox run` passes options on to Docker. **Predict:** what will it say to these?


# %%
def sandbox_run(*options):
    """`course sandbox run …` as in a terminal, on no server but one of its own."""
    command = [sys.executable, "-m", "course.cli", "sandbox", "run", LEOPARD, *options]
    plain = {name: value for name, value in os.environ.items() if name not in ("SERVER", "KEY")}
    return subprocess.run(command, capture_output=True, text=True, env=plain, check=False)


docker_socket = sandbox_run("-v", "/var/run/docker.sock:/var/run/docker.sock")
privileged = sandbox_run("--privileged")

# %% tags=["nbval-check-output"]
print(docker_socket.stderr)
print(privileged.stderr)
check.claim("both are refused", docker_socket.returncode == privileged.returncode == 1)
check.claim("no docker command was made", "docker run" not in docker_socket.stdout)

# %% [markdown]
# The first is the worse one, although it looks smaller. Who can talk to Docker's engine can start
# a second container with `--privileged` and the host's root folder in it. The first container's
# own bounds are of no use then.
#
# ### Exercise 09.3 · ★★☆ · 5 minutes
#
# Which of these would be refused? A set of letters.
#
# - `a` `--label lesson=09`
# - `b` `-v ./notes:/notes:ro`
# - `c` `--user root`
# - `d` `--cpuset-cpus 0`
# - `e` `-p 8888:8888`
# - `f` `--memory 64g`
#
# <details><summary>Hint</summary>
# Not “is it bad?”, but “could it give the agent's code anything that it does not have?”
# Read-only is still reading, and a limit that somebody else may lift is none.
# </details>

# %% tags=["stub"]
refused = ...

# %% tags=["solution"]
refused = {"b", "c", "e", "f"}

# %%
asked = ["--label lesson=09", "-v ./notes:/notes:ro", "--user root", "--cpuset-cpus 0"]
OPTIONS = dict(zip("abcdef", [*asked, "-p 8888:8888", "--memory 64g"], strict=True))


def reason(options):
    try:
        refusals.refuse(options.split())
    except CourseError as error:
        return str(error).splitlines()[0]


reasons = {letter: reason(options) for letter, options in OPTIONS.items()}
check.exercise("09.3", refused, lambda s: s == {k for k in reasons if reasons[k]}, hint="four")

# %% tags=["nbval-check-output"]
for letter, options in OPTIONS.items():
    print(f"{letter}  {options:22}{reasons[letter] or 'goes on to docker'}")

# %% [markdown]
# The rule behind it: what is not known to open nothing is refused. A list of forbidden options
# would have to be right forever.
#
# ## Run the agent in it
#
# With an engine and the image this asks the leopard question in a container, which takes about a
# minute on a CPU; without them it prints the command and starts nothing.

# %%
run = sandbox_run() if boxed else sandbox_run("--dry-run")
print(run.stderr[:2000])
print("answer:", run.stdout or "none, as nothing was started")

# %% tags=["nbval-check-output"]
for option in (
    "--network none",
    "--read-only",
    "--cap-drop ALL",
    "--security-opt no-new-privileges",
    "--user 1000:1000",
    "--pids-limit 128",
):
    check.claim(option, option in run.stderr)
check.claim("one mount, and it is the model's socket", run.stderr.count("--mount") == 1)

# %% [markdown]
# Each of these options is a row or more of the table. `--user` and `--cap-drop` are layer f,
# `--read-only` is d, `noexec` is e. The namespaces of a, b and c need no option: Docker makes
# them unless it is told not to.
#
# The article calls this container *rootless*, because its user is not root. Docker means another
# thing by that word: an engine that runs without root. Ours is an ordinary one, and trusted, as is
# the kernel. A hole in either is outside of what a container can stop.
#
# ## Why `--network host` is not the safest option
#
# The article says it is: the container “has no listening ports of its own”. It has none because
# it has all of the host's. Here is a service as you may have ten of: it listens on 127.0.0.1 only
# and asks nobody for a password, because who would reach it there?


# %%
class Admin(BaseHTTPRequestHandler):
    """Stands in for a database's page, a debugger, or Jupyter without a token."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"the admin page: all your notes")

    def log_message(self, *_):
        pass


admin = ThreadingHTTPServer(("127.0.0.1", 0), Admin)
threading.Thread(target=admin.serve_forever, daemon=True).start()

# %% [markdown]
# And this is what the agent's code might try. **Predict** what it prints in a container on
# `host`, and in one on `socket`.

# %%
KNOCK = f"""
import http.client
try:
    door = http.client.HTTPConnection("127.0.0.1", {admin.server_port}, timeout=3)
    door.request("GET", "/")
    print(door.getresponse().read().decode())
except OSError as error:
    print("closed:", error)
"""
live_server = Server("embedded", url=False, socket=True, slots=False, quiet=True).start()
print("a llama-server listens on", live_server.url)

# %% [markdown]
# Live in two containers, if they can be run here. If not, the table has the same experiment: its
# `net_loopback_read` is this program.

# %%
if boxed:
    reached = attempts.inside(KNOCK, "host", "http://127.0.0.1:9").strip()
    shut = attempts.inside(KNOCK, "socket", live_server.url).strip()
    print("host:  ", reached, "\nsocket:", shut)
    got_in, kept_out = "admin page" in reached, shut.startswith("closed")
else:
    row = known["net_loopback_read"]
    print("from the table · host:", row["host"]["by"], "\nsocket:", row["socket"]["by"])
    got_in, kept_out = row["host"]["through"], not row["socket"]["through"]

# %% tags=["nbval-check-output"]
check.claim("on the host's network the page is read", got_in)
check.claim("on the socket it is not", kept_out)

# %% [markdown]
# Anything on loopback: Jupyter would run code for it, a database would answer, and on a machine
# in a cloud the metadata service hands out the machine's own keys. All of them trust whoever is
# on the same computer, and with `--network host` the agent's code is.
#
# ## What the socket closes, and how
#
# You can see it without Docker. `--network none` is a *network namespace* of the kernel: an empty
# network, without even a way to 127.0.0.1 of the host. Linux lets most users make one by
# themselves.


# %%
def without_network(program):
    """What a Python program prints in an empty network; None where none can be made."""
    command = ["unshare", "--user", "--net", sys.executable, "-c", program]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return None if done.stderr.startswith("unshare:") else done.stdout.strip()


here = subprocess.run([sys.executable, "-c", KNOCK], capture_output=True, text=True, check=True)
print("in this network:    ", here.stdout.strip())
print("in an empty network:", without_network(KNOCK) or "cannot be made here (unshare is refused)")

# %% [markdown]
# Nothing was blocked or filtered: in that network there is no such service, and no other computer
# either. But then, how does the agent reach its model?
#
# **Predict:** does the next program, from the same empty network, get an answer?

# %%
ASK = f"""
import socket
with socket.socket(socket.AF_UNIX) as door:
    door.connect({live_server.url.removeprefix("unix://")!r})
    door.sendall(b"GET /health HTTP/1.0\\r\\n\\r\\n")
    print(door.makefile().read().splitlines()[0])
"""
answer = without_network(ASK)
print(answer or "cannot be tried here; see lesson 01 for a server's /health")
if answer is not None:
    check.claim("the model answers", "200" in answer, saw=answer)

# %% [markdown]
# It does. A Unix socket is a file, and files have no network. Whoever has the file can talk to
# the one program behind it, and to no other. The container is given that one file, for reading,
# and `--network none`. No key, no proxy and no firewall is needed, and none can be forgotten.
#
# The price: no web. Search works offline here, on the course's own pages. Whatever the agent
# should reach besides would need a socket of its own, with a program behind it that decides.
#
# ## What is left
#
# On the socket some attempts still get through. You should know them by name, and why each is
# accepted. That list, and who is trusted for it, is the **threat model**.

# %% tags=["nbval-check-output"]
for slug in sorted(on_socket):
    print(f"{slug}\n    {known[slug]['socket']['by']}")

# %% [markdown]
# Two of them are about the model's server. The agent's code may talk to it, past the tape, since
# it has to talk to it at all. That is why `course sandbox run` starts a server for this one run,
# with `--no-slots`: there are no others whose questions it could read.
#
# ### Exercise 09.4 · ★★★ · 10 minutes
#
# A colleague wants the agent to read a folder of invoices. Four proposals. Which one keeps the
# invoices from leaving the machine, whatever the model writes?
#
# - `1` `--network host` and the folder mounted read-only: it cannot change anything
# - `2` `--network host`, the executor's import rule, and a system prompt that forbids sending
# - `3` `--network none`, the model on a socket, the texts given to the agent as a search tool
# - `4` no container, but `LocalPythonExecutor` without `requests` on its list
#
# <details><summary>Hint</summary>
# Which of the four still holds when the model has read a page that told it to send everything
# away, and found a way around the executor?
# </details>

# %% tags=["stub"]
proposal = ...

# %% tags=["solution"]
proposal = 3

# %%
check.exercise("09.4", proposal, lambda n: n == 3, hint="which needs nobody to behave?")

# %%
live_server.stop()
admin.shutdown()
admin.server_close()

# %% [markdown]
# ## Recap
#
# - The executor looks at code and can be talked around. A container does not look: what it lacks,
#   no code can read.
# - Name the layer. “It runs in Docker” is no answer; own file system, read-only root, no
#   capabilities, no network are.
# - Docker's socket and `--privileged` undo all of it, and so does any option that nobody thought
#   about. Refuse what is not known to be harmless.
# - `--network host` is every service on the host's loopback. A socket is one program.
# - What still gets through has a name and a reason: `docker/README.md` lists it, for each network.
#
# **What next:** lesson 10, on what the loop costs, is planned and not written yet. Until then:
# change a program in `docker/hostile/programs/`, predict the layer in its header, and run
# `make hostile` (Linux, root, a Docker engine).
