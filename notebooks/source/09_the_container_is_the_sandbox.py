# %% [markdown]
# # 09 · The container is the sandbox
#
# An agent runs code that a model wrote, sometimes because a web page told it to. In lesson 03, the executor refused
# `import os`. Can code get around that? It can. So what counts is what the agent's process can reach, and here you put
# it where there is little to reach.

# %% [markdown]
# **After this lesson you can**
#
# - tell from an error which layer stopped an attempt;
# - run your own code in the container and see what it reaches;
# - say which Docker options would open the container again;
# - choose a network for it, and say what each one gives away.
#
# **Minutes:** 45 · **Needs:** lessons 01 and 03

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from course import check
from course.agent import LEOPARD
from course.errors import CourseError
from course.sandbox import refusals
from course.server import Server
from hostile import attempts

# %% [markdown]
# A [container][container] is a process that the kernel shows a system of its own: other files, other processes, another
# network. It starts from an [image][image], a read-only set of files. Build the agent's image once, in a terminal:
#
# ```bash
# course sandbox build
# ```
#
# It has Python, smolagents and the course's code. It has no model, no key, no `pip` and no compiler.
#
# [container]: ../docs/glossary.md#container
# [image]: ../docs/glossary.md#image

# %% [markdown]
# Containers need a Docker engine. Without one, each cell that needs it says so, and you read what happened when the
# programs were recorded on Linux.

# %%
why_not = attempts.boxes()
boxed = why_not is None
print(why_not or "Docker's engine and the image are here: the containers below are live.")

# %% [markdown]
# The server of this lesson is its own: the embedded model on a socket. `SERVER` and `PROFILE` are not used.
#
# ## Can code get around the executor?
#
# By default, the agent's code runs in the agent's own process. `LocalPythonExecutor` walks through it and refuses what
# is not on its lists. This program imports nothing and calls nothing that is forbidden:

# %%
(walk,) = attempts.programs(["walk_format"])
print(attempts.body(walk))

# %% [markdown]
# A format string may follow attributes. This one walks from the search tool to the module `os`, and to the variable
# `CANARY_TOKEN` in the environment. That is a [canary][canary]: a random word, made for this run, in the place of a key.
#
# **Predict:** will the executor let it read the canary? `"yes"` or `"no"`.
#
# [canary]: ../docs/glossary.md#canary

# %%
guess = ...

# %%
ways = ["executor"] if attempts.alone() is None else []
alone = attempts.results([walk], ways)["walk_format"]["executor"]
print("The program printed:", alone.printed if alone.live else f"(recorded: {alone.by})")
print("The canary in that: ", alone.canary or attempts.alone())

# %%
check.prediction("09.p1", guess, was="yes" if alone.through else "no")

# %% [markdown]
# Whoever prints the canary has read the key. smolagents' authors say it themselves: the executor is not a security
# boundary. On your laptop, that process can read what you can read: keys, cookies, other projects.
#
# A better executor would help until the next trick. A process that cannot reach a key cannot print it, whatever its
# code looks like.

# %% tags=["folded", "nbval-check-output"]
check.claims(("the executor lets the program read the canary", alone.through, alone))

# %% [markdown]
# ## What stands between the code and your computer?
#
# A container has several layers. With `course sandbox run` and its default network, the *socket*, they are:
#
# | | layer | what it means | typical error |
# |---|---|---|---|
# | a | own file system | the host's files are not in it | `ENOENT`, no such file |
# | b | own environment | the host's variables are not in it | `KeyError` |
# | c | own process namespace | it sees its own processes only | nothing found, `ESRCH` |
# | d | read-only root | only a small `/tmp` can be written | `EROFS` |
# | e | noexec on `/tmp` | what is written there cannot be run | `EACCES` |
# | f | capabilities and seccomp | the kernel refuses what only root may do | `EPERM` |
# | g | no network | there is nobody to connect to | `ECONNREFUSED`, `ENETUNREACH` |
# | h | none | it gets through | none |

# %% [markdown]
# - A [namespace][namespace] is the kernel's way to give processes a view of their own, here of processes and networks.
# - A [capability][capability] is one of the separate powers of root. The container has none.
# - [seccomp][seccomp] is a filter that decides which calls to the kernel a process may make.
#
# [namespace]: ../docs/glossary.md#namespace
# [capability]: ../docs/glossary.md#capability
# [seccomp]: ../docs/glossary.md#seccomp

# %% [markdown]
# ## Ten attempts
#
# Ten programs of the course's suite. `target` says what they aim at: `target["home"]` is a home folder on the host with
# a canary in `.ssh`, `target["admin"]` the port of a service on the host. None of it is yours.

# %%
ten = attempts.programs()
for attempt in ten:
    print(f"── {attempt.slug}: {attempt.title}\n{attempts.body(attempt)}\n")

# %% [markdown]
# In the container nine of them run as plain Python, *as if they had escaped the executor already*. `walk_frames`
# attacks the executor itself, so it runs in the executor there as well.
#
# **Predict** for each which layer stops it: a letter from the table. One letter is right three times, and one attempt
# gets through.

# %%
guess = {
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

# %% [markdown]
# Each program now runs in the executor alone, in a container on the host's network, and in one on the socket. Give it
# half a minute.

# %%
live = attempts.live()
seen = attempts.results(ten, live)
print("live:", ", ".join(live) or "nothing", "· the rest is recorded\n")
print(attempts.table(ten, seen))

# %%
LAYERS = {
    "own file system": "a",
    "own environment": "b",
    "own process namespace": "c",
    "read-only root": "d",
    "noexec on /tmp": "e",
    "capabilities and seccomp": "f",
    "no network": "g",
    "GETS THROUGH": "h",
}
stopped = {slug: LAYERS.get(attempts.short(ways["socket"]), "?") for slug, ways in seen.items()}
check.prediction("09.p2", guess, was=stopped)

# %% [markdown]
# The executor stopped nine. `walk_frames` got around it and read the key, so nothing else on that computer was safe
# either. In the container it got just as far, and the key was not there.
#
# `write_shell_command` gets through, and may: a shell in there can do what the agent's Python can do. (For `write_usr`,
# f is a good answer too: user 1000 may not write there even if the root were writable.)

# %%
frames = seen["walk_frames"]
print("executor:", frames["executor"].canary or "(recorded: it printed the canary)")
print("socket:  ", frames["socket"].canary or f"no canary, {frames['socket'].sign}")

# %% tags=["folded", "nbval-check-output"]
known = attempts.committed()["outcomes"]
same = all(seen[s][way].by == known[s][way]["by"] for s in seen for way in seen[s])
check.claims(
    ("every outcome is as recorded", same),
    (
        "the executor alone stops nine of ten",
        sum(not ways["executor"].through for ways in seen.values()) == 9,
    ),
    ("the container stops the one that it misses", not frames["socket"].through),
    ("one gets through on the socket", list(stopped.values()).count("h") == 1),
)

# %% [markdown]
# ### Exercise 09.1 · ★★☆ · 7 minutes
#
# Five programs that you have not seen, and the error that each one got in the container on the socket. Which layer
# stopped it? A letter each.
#
# <details><summary>Hint</summary>
# Read the error first, then the call that raised it. <code>os.path.expanduser("~")</code> is a folder inside the
# container.
# </details>

# %%
FIVE = ["files_docker_socket", "write_home", "kernel_host_name", "kernel_end_process", "net_out_by_dns"]
errors = attempts.results(attempts.programs(FIVE), [])
for attempt in attempts.programs(FIVE):
    print(f"── {attempt.slug}\n{attempts.body(attempt)}\n→ {errors[attempt.slug]['socket'].sign}\n")

# %% [markdown]
# <details><summary>What do the errors mean?</summary>
#
# `ENOENT` no such file · `EROFS` read-only file system · `EPERM` not permitted · `ESRCH` no such process ·
# `ENETUNREACH` network unreachable
#
# </details>

# %% tags=["stub"]
layers = {
    "files_docker_socket": ...,
    "write_home": ...,
    "kernel_host_name": ...,
    "kernel_end_process": ...,
    "net_out_by_dns": ...,
}

# %% tags=["solution"]
layers = {
    "files_docker_socket": "a",
    "write_home": "d",
    "kernel_host_name": "f",
    "kernel_end_process": "c",
    "net_out_by_dns": "g",
}


# %% tags=["folded"]
def fits(answer):
    """Whether all letters fit. It does not say which one does not, so that guessing in turn leads nowhere."""
    truth = {slug: LAYERS[attempts.short(ways["socket"])] for slug, ways in errors.items()}
    if not isinstance(answer, dict | list):
        return "expected a dictionary: the name of each program, and a letter"
    given = {str(slug).strip(): str(letter).strip(" .()").lower() for slug, letter in dict(answer).items()}
    if not set(given.values()) <= set("abcdefgh"):
        return "each answer is one letter from a to h"
    return (
        given == truth or "at least one letter does not fit its error: compare both with the table of layers"
    )


check.exercise("09.1", layers, fits, hint="the last column of the table")

# %% [markdown]
# ## All of them
#
# The suite has more than ten programs. How many get through, each way?

# %% tags=["nbval-check-output"]
everything = attempts.results(attempts.programs(list(known)), [])
for way in ("executor", "host", "socket"):
    through = [slug for slug, ways in everything.items() if ways[way].through]
    print(f"{way:9}{len(through):>3} of {len(everything)} get through")

# %% [markdown]
# Do not read this as a race: one program that prints your key outweighs twenty that learn the size of the memory. So
# look at those that print a canary, which stands for somebody's secret:

# %% tags=["nbval-check-output"]
proven = [attempt.slug for attempt in attempts.programs(list(known)) if attempt.proof[0] == "canary"]
for way in ("executor", "host", "socket"):
    print(f"{way:9}", *[slug for slug in proven if everything[slug][way].through])

# %% [markdown]
# In the executor, they end in your home folder or your environment. On the host's network, they read what the host's
# services say. On the socket one is left: what others asked the same model, if you share a server.

# %% [markdown]
# ## Which options would open it again?
#
# The blog post names two mistakes: giving the container Docker's own socket, and `--privileged`. `course sandbox run`
# passes options on to Docker.
#
# **Predict:** what does it do with these two? `"runs"`, `"warns"` or `"refuses"`.

# %%
guess = ...


# %%
def reason(*options):
    """Why `course sandbox run` refuses these options; "" if it passes them on to Docker."""
    try:
        refusals.refuse(options)
    except CourseError as error:
        return str(error).splitlines()[0]
    return ""


print(reason("-v", "/var/run/docker.sock:/var/run/docker.sock"))
print(reason("--privileged"))
print(reason("--label", "lesson=09") or "--label goes on to Docker")

# %%
check.prediction("09.p3", guess, was="refuses" if reason("--privileged") else "runs")

# %% [markdown]
# The socket looks harmless and is the worse of the two. Whoever can talk to Docker's engine can start a second
# container, with `--privileged` and the host's root folder in it. The limits of the first one do not matter then.

# %% [markdown]
# ### Exercise 09.2 · ★★☆ · 8 minutes
#
# A list of forbidden options would have to be complete forever. So write the opposite: `refused(options)` is True unless
# every option is on the list `HARMLESS`. Each of those takes one value, as in `--label x` or `--label=x`.
#
# <details><summary>Hint</summary>
# Go through the options with an index. A harmless option without <code>=</code> is followed by its value, so skip two.
# Anything else: True.
# </details>

# %% tags=["stub"]
HARMLESS = {"--label", "--platform", "--cpuset-cpus"}


def refused(options): ...


# %% tags=["solution"]
HARMLESS = {"--label", "--platform", "--cpuset-cpus"}


def refused(options):
    rest = list(options)
    while rest:
        name, attached, _ = rest.pop(0).partition("=")
        if name not in HARMLESS:
            return True
        if not attached:
            rest.pop(0)
    return False


# %% tags=["folded"]
def command_lines(random):
    """Options that nobody has seen, some of them made up."""
    number, new = random.randint(2, 99), "--" + "".join(random.sample("abcdefghij", 6))
    return [
        check.case(["--label", f"lesson={number}"], gives=False, name="a harmless one"),
        check.case([f"--cpuset-cpus={number}"], gives=False, name="its value attached"),
        check.case([], gives=False, name="no options"),
        check.case(["--privileged"], gives=True),
        check.case(["-v", "/var/run/docker.sock:/var/run/docker.sock"], gives=True),
        check.case([new, str(number)], gives=True, name="an option that Docker may get one day"),
        check.case(["--label", f"n={number}", "--pid=host"], gives=True, name="a bad one after a good one"),
        check.case(
            [f"--label=n{number}", "--platform", "linux/amd64"], gives=False, name="two harmless ones"
        ),
        check.case(
            ["--label-file", "/etc/shadow"], gives=True, name="a name that begins like a harmless one"
        ),
    ]


check.function("09.2", refused, command_lines, hint="what is not known to be harmless is refused")

# %% [markdown]
# ## Run the agent in it
#
# With Docker, this asks the leopard question in a container, in about a minute on a CPU. Without it, you see the
# command and nothing is started.

# %%
command = [sys.executable, "-m", "course.cli", "sandbox", "run", LEOPARD, "--seconds", "240"]
command += [] if boxed else ["--dry-run"]
plain = {name: value for name, value in os.environ.items() if name not in ("SERVER", "KEY", "PROFILE")}
run = subprocess.run(command, capture_output=True, text=True, env=plain, check=False)
lines = run.stderr.splitlines()
shown = next((i for i, line in enumerate(lines) if not line.endswith("\\")), 0) + 1
print("\n".join(lines[:shown]))
print("\nanswer:", run.stdout.strip() or "none, because no container can be started here")

# %% [markdown]
# - `--network none` is layer g. The one `--mount` is the model's socket.
# - `--read-only` is d, `noexec` in `--tmpfs` is e.
# - `--cap-drop ALL`, `no-new-privileges` and `--user 1000:1000` are f. Docker's seccomp filter is on by default.
# - a, b and c need no option: every container has them unless an option takes them away.

# %% [markdown]
# The blog post calls this container *rootless*, because its user is not root. Docker uses the word for something else:
# an engine that runs without root. Ours is an ordinary one. You trust it, and the kernel; a hole in either is beyond
# what a container can stop.

# %% tags=["folded", "nbval-check-output"]
options = [
    "--network none",
    "--read-only",
    "--cap-drop ALL",
    "--security-opt no-new-privileges",
    "--user 1000:1000",
]
check.claims(
    *((option, option in run.stderr, run.stderr[:300]) for option in options),
    ("there is one mount, the model's socket", run.stderr.count("--mount") == 1),
)

# %% [markdown]
# ## Three networks, two doors
#
# The blog post uses `--network host` and calls it the safest option, because the container has “no listening ports of
# its own”. It shares all ports of the host instead. Try two services, which ask nobody for a password:
#
# - **private** listens on [loopback][loopback], `127.0.0.1`: a database, Jupyter, a debugger
# - **shared** listens on all addresses of the computer
#
# [loopback]: ../docs/glossary.md#loopback


# %%
class Notes(BaseHTTPRequestHandler):
    """Answers every request with a line of text."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"all your notes")

    def log_message(self, *_): ...


places = {"private": "127.0.0.1", "shared": "0.0.0.0" if boxed else "127.0.0.1"}
services = {name: ThreadingHTTPServer((address, 0), Notes) for name, address in places.items()}
for service in services.values():
    threading.Thread(target=service.serve_forever, daemon=True).start()

# %% [markdown]
# The agent's code might knock like this, at the computer itself and at Docker's name for the host:

# %%
PORTS = {name: service.server_port for name, service in services.items()}
KNOCK = f"""
import http.client
for name, port in {PORTS}.items():
    for host in ("127.0.0.1", "host.docker.internal"):
        try:
            door = http.client.HTTPConnection(host, port, timeout=3)
            door.request("GET", "/")
            print(name, "opens:", door.getresponse().read().decode(), "at", host)
            break
        except OSError as error:
            print(name, "closed at", host, "-", error)
"""

# %% [markdown]
# - `host` shares the host's network.
# - `gateway` is Docker's bridge, a small network with a way out and a name for the host.
# - `socket` has no network, only the model's [Unix socket][unix], a file.
#
# **Predict** which doors open in each: `"private"`, `"shared"`, `"both"` or `"none"`.
#
# [unix]: ../docs/glossary.md#unix-socket

# %%
guess = {"host": ..., "gateway": ..., "socket": ...}

# %%
model = Server("embedded", url=False, socket=True, slots=False, quiet=True).start()
urls = {"host": "http://127.0.0.1:9", "gateway": "http://127.0.0.1:9", "socket": model.url}
RECORDED = {"host": "both", "gateway": "shared", "socket": "none"}
knocked = {n: f"(no container can be started here; recorded on Linux: {RECORDED[n]})" for n in urls}
if boxed:
    knocked = {network: attempts.said(KNOCK, network, url) for network, url in urls.items()}
if "name resolution" in knocked["gateway"]:
    knocked["gateway"] = f"(this engine's containers cannot find the host; recorded: {RECORDED['gateway']})"
for network, printed in knocked.items():
    print(f"── {network}\n{printed}")


# %%
def doors(network):
    """Which doors opened; what was recorded, if nothing could be tried."""
    if knocked[network].startswith("("):
        return RECORDED[network]
    opened = [name for name in PORTS if f"{name} opens" in knocked[network]]
    return "both" if len(opened) == 2 else "".join(opened) or "none"


opened = {network: doors(network) for network in urls}
check.prediction("09.p4", guess, was=opened)

# %% [markdown]
# The same as a picture. Follow the arrows that leave the container:
#
# ![The sandbox and its three networks: with host the agent's code reaches every service on the host's loopback and the
# internet, with gateway the internet and the local network, with socket the model's Unix socket and nothing
# else](../docs/pictures/sandbox.svg)

# %% [markdown]
# | network | private | shared | internet | use it |
# |---|---|---|---|---|
# | `host` | **open** | **open** | open | never, if you can avoid it |
# | `gateway` | closed on Linux, **open on Docker Desktop** | **open** | open | on macOS and Windows |
# | `socket` | closed | closed | closed | on Linux, the default |
#
# (The doors on Linux are printed above. For Docker Desktop and the internet, see `docker/README.md`.)

# %% [markdown]
# On the host's network, Jupyter would run code for the agent, and a database would answer it. On a machine in a cloud, a
# metadata service hands out the machine's own keys. All of them trust whoever is on the same computer.

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("host: both doors are open (seen here, or recorded)", opened["host"] == "both", knocked["host"]),
    (
        "gateway: the one on all addresses is open",
        opened["gateway"] in ("shared", "both"),
        knocked["gateway"],
    ),
    ("socket: both are closed", opened["socket"] == "none", knocked["socket"]),
)

# %% [markdown]
# ## How does the agent reach its model without a network?
#
# You can see it without Docker, on Linux. `unshare --net` runs a program in an empty network namespace, as
# `--network none` does.


# %%
def without_network(program):
    """What a Python program prints in an empty network; a sentence in brackets where none can be made."""
    command = ["unshare", "--user", "--net", sys.executable, "-c", program]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "(there is no unshare on this system: it is a program for Linux)"
    refused_here = done.stderr.startswith("unshare:")
    return f"({done.stderr.strip()}: refused on this computer)" if refused_here else done.stdout.strip()


print(without_network(KNOCK))

# %% [markdown]
# Nothing was blocked or filtered. In that network, there is no such service.
#
# **Predict:** does the next program, in the same empty network, get an answer from the model's server? `"yes"` or
# `"no"`.

# %%
guess = ...

# %%
ASK = f"""
import socket
with socket.socket(socket.AF_UNIX) as door:
    door.connect({model.url.removeprefix("unix://")!r})
    door.sendall(b"GET /health HTTP/1.0\\r\\n\\r\\n")
    print(door.makefile().read().splitlines()[0])
"""
answer = without_network(ASK)
print(answer)

# %%
check.prediction("09.p5", guess, was="yes" if "200" in answer or answer.startswith("(") else "no")

# %% [markdown]
# A Unix socket is a file. Whoever can open it reaches the one program behind it, and no other. The container gets that
# file, read-only, and `--network none`. There is no key, proxy or firewall to get wrong.
#
# The price is that there is no web. Search works offline here, on the course's own pages.

# %% [markdown]
# ## What is left?
#
# On the socket some attempts still get through. Know them by name, and why each is accepted. That list, with who is
# trusted, is a **threat model**; `docker/README.md` has all of it.

# %% tags=["nbval-check-output"]
for slug, ways in everything.items():
    if ways["socket"].through:
        print(f"{slug}\n    {ways['socket'].by}")

# %% [markdown]
# ### Exercise 09.3 · ★★☆ · 8 minutes
#
# Now your own code. Write a few lines, as text, that find out something an agent should not know: a file, a variable, a
# process, an address on your network. Print what you found, and catch the error if there is one. The check runs it on
# your computer and in the container, and shows both.
#
# <details><summary>Hint</summary>
# Begin with <code>import os</code> and <code>print(sorted(os.listdir(os.path.expanduser("~"))))</code>. Print
# something that you would not mind seeing in a notebook.
# </details>

# %% tags=["stub"]
mine = """
...
"""

# %% tags=["solution"]
mine = """
import os
found = [name for name in os.listdir("/proc") if name.isdigit()] if os.path.isdir("/proc") else []
print("I see other processes" if len(found) > 5 else "I am alone")
"""


# %% tags=["folded"]
def reaches(program):
    """Run the learner's program here and in the container, and show both."""
    if not isinstance(program, str):
        return "expected the text of a program, in three quotes"
    try:
        here = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
        )
    except subprocess.TimeoutExpired:
        return "it does not end within 30 seconds"
    if here.returncode or not here.stdout.strip():
        why = (here.stderr.strip().splitlines() or ["it prints nothing"])[-1]
        return f"on this computer it should print what it found, but: {why}"
    print("On this computer:", here.stdout.strip()[:600])
    if not boxed:
        print("In the container: (no container can be started here)")
        return True
    there = attempts.said(program, "socket", model.url)
    print("In the container:", there[:600])
    return (
        there != here.stdout.strip()
        or "it finds the same in both: aim at something that belongs to your computer"
    )


check.exercise(
    "09.3", mine, reaches, hint="a file in your home folder, an environment variable, a process", seconds=120
)

# %% tags=["folded"]
model.stop()
for service in services.values():
    service.shutdown()
    service.server_close()

# %% [markdown]
# ## Recap
#
# - The executor looks at code, and code can be written around it. A container does not look: what it lacks, no code can
#   read.
# - Name the layer: own file system, read-only root, no capabilities, no network. “It runs in Docker” says little.
# - Docker's socket or `--privileged` undo all of it. Refuse what is not known to be harmless.
# - `--network host` is every service on the host's loopback. A Unix socket is one program.

# %% tags=["folded"]
check.quiz(
    "09",
    check.question(
        "An agent should read a folder of invoices, and nothing of them may leave the machine. Which setup holds?",
        right="`--network none`, the model on a socket, the texts given to the agent as a search tool",
        why="Whatever the model writes, there is no network to send it through. It relies on nobody's good behavior.",
        wrong={
            "`--network host`, the folder mounted read-only": "It cannot change an invoice, but it can send it away.",
            "`--network host`, and a system prompt that forbids sending": "A page can tell the model otherwise.",
            "No container, and no `requests` among the allowed imports": "You saw two programs walk around such a list.",
        },
    ),
    check.question(
        "A program in the container gets `EROFS`. What stopped it?",
        right="The read-only root",
        why="`EROFS` is the error for a write to a read-only file system.",
        wrong={
            "seccomp": "A refused system call usually fails with `EPERM`.",
            "Its own file system": "Then the file would be missing: `ENOENT`.",
        },
    ),
    check.question(
        "Why is a list of forbidden Docker options not enough?",
        right="It would have to be complete, now and for every later Docker",
        why="An option that nobody thought of would be passed on. A list of harmless ones fails safely.",
        wrong={
            "Docker ignores unknown options": "It refuses them. The list may lack options that Docker knows.",
            "Options can be given in capitals": "Docker's options are case sensitive, so that gains nothing.",
        },
    ),
)

# %%
check.progress("09")

# %% [markdown]
# **In your own agent:** look at the command that starts its container. `--network`, `-v` and `--privileged` tell most of
# what its code can reach.
#
# **Next:** lesson 10, what the loop costs. To go further here: change a program in `docker/hostile/programs/`, predict
# the layer in its header, and run `make hostile` (Linux, root, a Docker engine).
