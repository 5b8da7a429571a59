# %% [markdown]
# # 09 · The container is the sandbox
#
# An agent runs code that a model wrote, and sometimes a web page told the model what to write. In lesson 03, the
# executor refused `import os`. Is that enough? If not, what is?
#
# **After this lesson you can**
#
# - tell from an error which layer of a container stopped an attempt,
# - say which Docker options would open the container again,
# - choose a network for it, and say what each one gives away,
# - run your own code in the container and judge what it reaches.
#
# **Minutes:** 45 (and a few for Docker to build an image) · **Needs:** lessons 01 and 03

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from smolagents.local_python_executor import LocalPythonExecutor

from course import check
from course.agent import LEOPARD
from course.errors import CourseError
from course.sandbox import refusals
from course.server import Server
from hostile import attempts

# %% [markdown]
# ## What is a container?
#
# Programs ask the *kernel*, the core of the operating system, for everything: files, processes, network. A
# [container][container] is an ordinary process to which the kernel shows only files, processes and a network of its
# own. Its files come from an [image][image]. The computer on which it runs, here yours, is the *host*.
#
# [container]: ../docs/glossary.md#container
# [image]: ../docs/glossary.md#image

# %% [markdown]
# Docker's engine is the program that starts containers. Build the agent's image once, in a terminal, with a network:
#
# ```bash
# course sandbox build
# ```
#
# The image has Python, smolagents and the course's code. It has no model, no key, no `pip` and no compiler.

# %%
why_not = attempts.boxes()
boxed = why_not is None
print(why_not or "Docker's engine and the image are here: containers are live.")

# %% [markdown]
# If that says why containers can't run here, go on: the cells then show results that were recorded on Linux, and say
# so. On macOS and Windows it is always so, because Docker runs its containers in a virtual machine there.
#
# The lesson starts a model server of its own, so `SERVER` and `PROFILE` are not used:

# %%
model = Server("embedded", url=False, socket=True, slots=False, quiet=True).start()
print(model.url)

# %% [markdown]
# That address is a file, not a port. A [Unix socket][unix] is a file through which two programs on the same computer
# talk. We call this one the **model's socket**.
#
# [unix]: ../docs/glossary.md#unix-socket

# %% [markdown]
# ## Can code get around the executor?
#
# By default, the agent's code runs in the agent's own process. `LocalPythonExecutor` goes through it and refuses to
# import a module that is not on one list (the *import rule*), and to call a function that is not on another (the
# *function list*).
#
# Here is a program. In place of a key, the environment variable `CANARY_TOKEN` will hold a [canary][canary]: a random
# word, made for this run. `web_search` is the agent's tool.
#
# [canary]: ../docs/glossary.md#canary

# %%
(walk,) = attempts.programs(["walk_format"])
print(attempts.body(walk))

# %% [markdown]
# It imports nothing, and calls only `format` and `print`.
#
# **Predict:** what will the executor do with it: `"refuse"` it, or let it `"print"` the canary?

# %%
guess = ...

# %%
ways = ["executor"] if attempts.alone() is None else []
alone = attempts.results([walk], ways)["walk_format"]["executor"]
print("live:    " if alone.live else "recorded:", alone.printed if alone.live else alone.by)

# %%
check.prediction("09.p1", guess, was="print" if alone.through else "refuse")

# %% [markdown]
# A format string may follow attributes. This one walks from the tool to the module `os`, and to the variable. No rule
# looks inside a string. smolagents doesn't claim that its rules are complete. Its source says:

# %%
[line.strip() for line in LocalPythonExecutor.__doc__.splitlines() if "security" in line]

# %% [markdown]
# The executor is still useful: it catches mistakes, and tells the model about them in words. But the agent's process
# can read what you can read: keys, cookies, other projects. A stricter executor would help until the next trick.
#
# A process that *cannot reach* a key cannot print it, whatever its code looks like. That is what a container is for.

# %% tags=["folded", "nbval-check-output"]
check.claims(("the executor lets the program print the canary", alone.through, alone))

# %% [markdown]
# ## What does the world look like from inside?
#
# Have a look around, first here, then in the agent's container:

# %%
LOOK = """
import os
print("user:", os.getuid())
print("files in its home folder:", len(os.listdir(os.path.expanduser("~"))))
if os.path.isdir("/proc"):
    print("processes:", sum(name.isdigit() for name in os.listdir("/proc")))
    for line in open("/proc/self/status"):
        if line.startswith(("CapEff", "NoNewPrivs", "Seccomp:")):
            print(line.strip())
"""
print("── here\n" + attempts.here(LOOK).printed)
inside = attempts.said(LOOK, "socket", model.url) if boxed else "(no container can be started here)"
print("── in the container\n" + inside)

# %% [markdown]
# In the container: user 1000 (on Linux, that may be your number, too), other files, and one process, the program itself.
# The last lines are about rights:
#
# - [Capabilities][capability] are the separate powers of *root*, the administrator. `CapEff` lists them as bits: 0 is none.
# - [seccomp][seccomp] is a filter for calls to the kernel. `2` means that it is on.
# - `NoNewPrivs: 1`: no program that it starts can have more rights than it has itself.
#
# [capability]: ../docs/glossary.md#capability
# [seccomp]: ../docs/glossary.md#seccomp

# %% tags=["folded", "nbval-check-output"]
rights = ("CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2", "user: 1000", "processes: 1")
check.claims(
    *(
        (
            f"in the container, if one can be started: {' '.join(line.split())}",
            not boxed or line in inside,
            inside,
        )
        for line in rights
    )
)

# %% [markdown]
# ## Which layer stops what?
#
# When the kernel refuses something, Python raises an error with a code. The code is your first clue to the layer:
#
# | | layer | what it means | typical error |
# |---|---|---|---|
# | a | own files | the host's files are not there | `ENOENT`, no such file |
# | b | own environment | the host's variables are not there | `KeyError` |
# | c | own processes | it sees and signals only its own | `ESRCH`, no such process; or it finds nothing |
# | d | read-only files | only `/tmp` and `/dev/shm` can be written | `EROFS`, read-only file system |
# | e | noexec | a file in `/tmp` can't be started as a program (`python file` can) | `EACCES`, permission denied |
# | f | few rights | user 1000, no capabilities, seccomp | `EPERM`, not permitted; `EACCES` |
# | g | own network | in it there is nobody to talk to | `ENETUNREACH`, unreachable; `ECONNREFUSED`, refused |
# | h | none | it gets through | |

# %% [markdown]
# a, c and g are [namespaces][namespace], the kernel's word for a view that belongs to some processes only.
#
# Seven programs of the course's suite attack this. Their targets are decoys, made for this run: `target["home"]` is a
# home folder on the host with a canary in it, `target["admin"]` the port of a small service on the host.
#
# [namespace]: ../docs/glossary.md#namespace

# %%
SEVEN = ["files_environment", "walk_frames", "write_usr", "write_program_and_run_it"]
SEVEN += ["kernel_mount", "net_loopback_read", "write_shell_command"]
seven = attempts.programs(SEVEN)
for attempt in seven:
    print(f"── {attempt.slug}: {attempt.title}\n{attempts.body(attempt)}\n")

# %% [markdown]
# They run in three places:
#
# - in the **executor alone**, as above;
# - in a container **on the host's network** (Docker's `--network host`, the blog post's choice);
# - in a container with **no network**, only the model's socket. That is the default of `course sandbox run`, which
#   calls it `--network socket`.
#
# In the containers they run as plain Python, *as if they had escaped the executor already*. Only `walk_frames`, which
# attacks the executor, runs in the executor there, too.

# %% [markdown]
# **Predict** for each which layer stops it in the container with no network: a letter from the table.

# %%
guess = {
    "files_environment": ...,
    "walk_frames": ...,
    "write_usr": ...,
    "write_program_and_run_it": ...,
    "kernel_mount": ...,
    "net_loopback_read": ...,
    "write_shell_command": ...,
}

# %% tags=["folded"]
LETTERS = {
    "own file system": "a",
    "own environment": "b",
    "own process namespace": "c",
    "read-only root": "d",
    "noexec on /tmp": "e",
    "capabilities and seccomp": "f",
    "user 1000": "f",
    "no network": "g",
    "own network namespace": "g",
}
PLACES = {"executor": "executor alone", "host": "host's network", "socket": "no network"}


def letter(result):
    """The letter of the layer that stopped it; h if none did."""
    return "h" if result.through else LETTERS.get(result.by, "–")


def cell(result):
    """Letter and error, or which list of the executor."""
    return "h GETS THROUGH" if result.through else f"{letter(result)} {result.sign}"


live = attempts.live()
seen = attempts.results(seven, live)
print("live:", ", ".join(live) or "nothing", "· the rest is recorded\n")
print(f"{'':26}" + "".join(f"{place:24}" for place in PLACES.values()))
for slug, results in seen.items():
    print(f"{slug:26}" + "".join(f"{cell(results[way]):24}" for way in PLACES))

# %% tags=["folded"]
stopped = {slug: letter(results["socket"]) for slug, results in seen.items()}
check.prediction("09.p2", guess, was=stopped)

# %% [markdown]
# The executor alone stopped six. `walk_frames` found the executor's own list of allowed imports and added to it. Then every
# file that you can read was within its reach. In the container it got just as far, and the key was not there.
#
# `write_shell_command` gets through, and that is accepted: a shell in there can do what the agent's Python can do. (For
# `write_usr`, f would be right as well: user 1000 may not write there in any case.)

# %% tags=["folded", "nbval-check-output"]
known = attempts.committed()["outcomes"]
same = all(seen[s][way].by == known[s][way]["by"] for s in seen for way in seen[s])
check.claims(
    ("every outcome is as recorded", same),
    ("the executor alone stops six of seven", sum(not r["executor"].through for r in seen.values()) == 6),
    ("the container stops the one that the executor misses", not seen["walk_frames"]["socket"].through),
    ("one gets through with no network", list(stopped.values()).count("h") == 1),
)

# %% [markdown]
# ### Exercise 09.1 · ★★☆ · 7 minutes
#
# Five programs that you have not seen, and the error that each one got when it was recorded in a container with no
# network. Which layer stopped it? A letter each. An error alone won't do: read what the program asked for, too.

# %%
FIVE = ["files_docker_socket", "files_password_hashes", "write_home"]
FIVE += ["kernel_list_processes", "net_list_connections"]
errors = attempts.results(attempts.programs(FIVE), [])
for attempt in attempts.programs(FIVE):
    print(f"── {attempt.slug}\n{attempts.body(attempt)}\n→ {errors[attempt.slug]['socket'].sign}\n")

# %% [markdown]
# <details><summary>Hint</summary>
# Two have the same error, from two layers. And whose file is <code>/etc/shadow</code>, the host's or the image's?
# </details>

# %% tags=["stub"]
layers = {
    "files_docker_socket": ...,
    "files_password_hashes": ...,
    "write_home": ...,
    "kernel_list_processes": ...,
    "net_list_connections": ...,
}

# %% tags=["solution"]
layers = {
    "files_docker_socket": "a",
    "files_password_hashes": "f",
    "write_home": "d",
    "kernel_list_processes": "c",
    "net_list_connections": "g",
}


# %% tags=["folded"]
def fits(answer):
    """Whether all letters fit. It does not say which one does not, so that guessing in turn leads nowhere."""
    truth = {slug: letter(results["socket"]) for slug, results in errors.items()}
    pairs = list(answer.items()) if isinstance(answer, dict) else answer
    if not isinstance(pairs, list) or not all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs):
        return "expected a dictionary: the name of each program, and a letter"
    given = {str(slug).strip(): str(found).strip(" .()").lower() for slug, found in pairs}
    if not set(given.values()) <= set("abcdefgh"):
        return "each answer is one letter from a to h"
    return given == truth or "at least one letter does not fit: read the call that raised the error, too"


check.exercise("09.1", layers, fits, hint="whose file, process or connection did it ask for?")

# %% [markdown]
# ## How many get through?
#
# The suite has many more programs. This is the record of its last run, on Linux:

# %% tags=["nbval-check-output"]
everything = attempts.results(attempts.programs(list(known)), [])
for way, place in PLACES.items():
    through = [slug for slug, results in everything.items() if results[way].through]
    print(f"{place:16}{len(through):>3} of {len(everything)} get through")

# %% [markdown]
# Do not read this as a race. In the containers the programs don't have to get past the executor first, and one program
# that prints your key outweighs twenty that learn how much memory there is. So look at those that print a canary:

# %% tags=["nbval-check-output"]
proven = [attempt.slug for attempt in attempts.programs(list(known)) if attempt.proof[0] == "canary"]
for way, place in PLACES.items():
    print(f"{place:16}", *[slug for slug in proven if everything[slug][way].through])

# %% [markdown]
# Those that get through the executor read your home folder or your environment. On the host's network, they read what
# the host's services say. With no network one is left, and only if several agents share a server
# (`course sandbox run --server …`): it reads what the others asked.

# %% [markdown]
# ## Which options would open it again?
#
# `course sandbox run` passes further options on to Docker. Some would give the agent's code something of the host.
#
# **Predict** for each: is it `"harmless"`, or does it `"open"` the container?

# %%
OPTIONS = {
    "docker.sock": ["-v", "/var/run/docker.sock:/var/run/docker.sock"],
    "label": ["--label", "lesson=09"],
    "invoices": ["--mount", "type=bind,src=/home/ada/invoices,dst=/invoices,readonly"],
    "cores": ["--cpuset-cpus", "0"],
    "pid": ["--pid", "host"],
    "privileged": ["--privileged"],
}
guess = {"docker.sock": ..., "label": ..., "invoices": ..., "cores": ..., "pid": ..., "privileged": ...}


# %%
def reason(options):
    """Why `course sandbox run` refuses these options; "" if it passes them on to Docker."""
    try:
        refusals.refuse(options)
    except CourseError as error:
        return str(error).splitlines()[0]
    return ""


for name, options in OPTIONS.items():
    print(f"{name:12} {reason(options) or 'goes on to Docker'}")

# %%
check.prediction(
    "09.p3", guess, was={name: "open" if reason(o) else "harmless" for name, o in OPTIONS.items()}
)

# %% [markdown]
# `docker.sock` and `--privileged` are the two mistakes that the blog post names. **Docker's socket** is a Unix socket,
# like the model's, but Docker's engine listens behind it, as root. Whoever may open it can have a second container
# started, with `--privileged` and all the host's files, and the limits of the first one don't matter. Its permissions may
# keep user 1000 out, but many images run as root.
#
# A read-only mount is sometimes what you want: then its contents are within the agent's reach, and the network decides
# whether they stay there.

# %% [markdown]
# ### Exercise 09.2 · ★★☆ · 8 minutes
#
# A list of forbidden options would have to be complete forever, so `course sandbox run` has a list of harmless ones. Do
# the same: `refused(options)` returns False if every option is in `HARMLESS`, else True. Each of those takes one
# value, as in `--label x` or `--label=x`. Docker takes the first word that is neither an option nor a value for the name
# of the image: refuse that as well, and an option whose value is missing.
#
# <details><summary>Hint</summary>
# Go through the words with an index. A harmless option without <code>=</code> is followed by its value, whatever that
# looks like, so skip two. Anything else: True.
# </details>

# %% tags=["stub"]
HARMLESS = {"--label", "--platform", "--cpuset-cpus"}


def refused(options): ...


# %% tags=["solution"]
HARMLESS = {"--label", "--platform", "--cpuset-cpus"}


def refused(options):
    at = 0
    while at < len(options):
        name, attached, _ = options[at].partition("=")
        at += 1 if attached else 2
        if name not in HARMLESS or at > len(options):
            return True
    return False


# %% tags=["folded"]
def command_lines(random):
    """Options that nobody has seen, some of them made up."""
    number, new = random.randint(2, 99), "--" + "".join(random.sample("abcdefghij", 6))
    image = f"someone/image{number}"
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
        check.case(["--label-file", "/etc/shadow"], gives=True, name="it begins like a harmless one"),
        check.case([image], gives=True, name="another image"),
        check.case(["--label", "x", image, "sh"], gives=True, name="another image, after a harmless option"),
        check.case(["--label=x", "--platform"], gives=True, name="a value is missing"),
        check.case(["--label", "--privileged"], gives=False, name="only the text of a label"),
    ]


check.function("09.2", refused, command_lines, hint="what is not known to be harmless is refused")

# %% [markdown]
# Compare yours with the course's, `refuse` in `course/sandbox/refusals.py`.
#
# ## Run the agent in it
#
# With Docker, this asks the leopard question in a container. Give it a minute or two. Without Docker, you see the command,
# and nothing is started.

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
# - `--network none` is g. The one `--mount` is the model's socket.
# - `--read-only` is d: otherwise the container could write to its own copy of the image's files. `noexec` is e.
# - `--cap-drop ALL`, `no-new-privileges` and `--user 1000:1000` are f. Docker's seccomp filter is on by default.
# - a, b and c need no option: a container has them unless an option takes them away.
#
# The others (`--memory`, `--pids-limit`, `--cpus` …) are limits. What happens at a limit, from the record:

# %% tags=["nbval-check-output"]
for slug in ("take_memory", "take_processes", "take_disk", "take_time"):
    print(f"{slug:16}{everything[slug]['socket'].by}: {everything[slug]['socket'].sign}")

# %% [markdown]
# The blog post calls such a container *rootless*, because its user is not root. Docker uses the word for an engine that
# runs without root. Ours runs as root. So you trust Docker's engine and the kernel: a container does not protect you
# from a hole in these.

# %% [markdown]
# ## Which doors does each network open?
#
# The blog post calls `--network host` the safest option, because the container has “no listening ports of its own”.
# Instead, it shares all the host's ports. Try two services that ask nobody for a password:
#
# - **private** listens on [loopback][loopback], `127.0.0.1`, the network that a computer has with itself. So do databases,
#   Jupyter and debuggers.
# - **shared** listens on all addresses of your computer. Until the lesson ends, others in your network can read its one
#   sentence, too.
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
# The agent's code would knock like this: at its own loopback, and at Docker's name for the host.

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
# The three choices of `course sandbox run --network …`:
#
# - `host`: the host's network, loopback included.
# - `gateway`: Docker's bridge, a small network between host and containers. Each has a loopback of its own. There is a
#   way out to the internet, and an address that belongs to the host.
# - `socket`: no network, only the model's socket.
#
# **Predict** which doors open in each: `"private"`, `"shared"`, `"both"` or `"none"`.

# %%
guess = {"host": ..., "gateway": ..., "socket": ...}

# %% tags=["folded"]
urls = {"host": "http://127.0.0.1:9", "gateway": "http://127.0.0.1:9", "socket": model.url}
RECORDED = {"host": "both", "gateway": "shared", "socket": "none"}
knocked = {n: f"(no container can be started here; recorded on Linux: {RECORDED[n]})" for n in urls}
if boxed:
    knocked = {network: attempts.said(KNOCK, network, url) for network, url in urls.items()}
if "name resolution" in knocked["gateway"]:
    knocked["gateway"] = f"(this engine's containers cannot find the host; recorded: {RECORDED['gateway']})"
for network, printed in knocked.items():
    print(f"── {network}\n{printed}")


# %% tags=["folded"]
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
# | `--network` | private | shared | internet | use it |
# |---|---|---|---|---|
# | `host` | **open** | **open** | open | never, if you can avoid it |
# | `gateway` | closed on Linux, **open on Docker Desktop** | **open** | open | on macOS and Windows |
# | `socket` | closed | closed | closed | on Linux, the default |
#
# The doors on Linux are those above, without a firewall. [docker/README.md](../docker/README.md) has the rest.

# %% [markdown]
# Jupyter on your loopback would run code for the agent, and a database would answer it. In a cloud, there is also the
# *metadata service*, an address that hands out the machine's own keys. All of them trust whoever is on the same machine.

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("host: both doors are open (seen here, or recorded)", opened["host"] == "both", knocked["host"]),
    ("gateway: loopback is closed (seen here, or recorded)", opened["gateway"] in ("shared", "none"), opened),
    ("socket: both are closed (seen here, or recorded)", opened["socket"] == "none", knocked["socket"]),
)

# %% [markdown]
# ## What can be done with the model's socket?
#
# With no network, the model's socket is the only way out of the container: a file that Docker mounts into it. It leads to
# one program and no other, so there is no key, proxy or firewall to get wrong. The file is mounted *read-only*.
#
# **Predict**, `"yes"` or `"no"` each. Can the agent's code still *send* the model a request of its own? Can it *replace*
# the file by a socket of its own, which would answer in the model's place?

# %%
guess = {"send": ..., "replace": ...}

# %%
tries = attempts.programs(["net_model_past_the_tape", "files_replace_the_socket"])
found = attempts.results(tries, ["socket"] if boxed else [])
for attempt in tries:
    result = found[attempt.slug]["socket"]
    print(f"── {attempt.title} ({'live' if result.live else 'recorded'})")
    print("GETS THROUGH" if result.through else f"stopped: {result.sign}")

# %% tags=["folded"]
send, replace = ("yes" if found[attempt.slug]["socket"].through else "no" for attempt in tries)
check.prediction("09.p5", guess, was={"send": send, "replace": replace})

# %% [markdown]
# Read-only is about the file: nobody in the container can delete or replace it. What is sent *through* a socket is not
# written to the file. So its code can ask the model things that you won't find on the agent's tape.
#
# The price of this setup is that there is no web. Search works offline here, on the course's own pages.

# %% tags=["folded", "nbval-check-output"]
check.claims(
    ("the agent's code can send requests of its own", send == "yes", found),
    ("it cannot replace the model's socket", replace == "no", found),
)

# %% [markdown]
# ## What is left?
#
# From the record: all that gets through with no network, and why that is accepted.

# %% tags=["nbval-check-output"]
for slug, results in everything.items():
    if results["socket"].through:
        print(f"{slug}\n    {results['socket'].by}")

# %% [markdown]
# A **threat model** says who attacks, what is protected, whom you trust, and what you accept. This list is the last part;
# [docker/README.md](../docker/README.md#threat-model) has the others.

# %% [markdown]
# ### Exercise 09.3 · ★★☆ · 7 minutes
#
# Now attack it yourself. Write a few lines, as text, that find out something that an agent should not know: a file, a
# variable, a process, an address. Catch the error if there is one, and print what you found (something that you don't mind
# seeing in a notebook). The check runs it here and in the container. If both print the same, you have found a leak: is it
# one of the list above?
#
# <details><summary>Hint</summary>
# Begin with <code>import os</code> and <code>print(sorted(os.listdir(os.path.expanduser("~"))))</code>. Or try what the
# kernel tells everybody: <code>import platform</code>, <code>print(platform.release())</code>.
# </details>

# %% tags=["stub"]
mine = """
...
"""

# %% tags=["solution"]
mine = """
import os
try:
    print("files at home:", len(os.listdir(os.path.expanduser("~"))))
except OSError as error:
    print(error)
print("processors:", os.cpu_count())
"""


# %% tags=["folded"]
def reaches(program):
    """Run the learner's program here and in the container, and show both."""
    if not isinstance(program, str):
        return "expected the text of a program, in three quotes"
    here = attempts.here(program)
    print(f"── here\n{here.printed[:600]}")
    if here.problem:
        return here.problem
    if not boxed:
        print("── in the container\n(no container can be started here)")
        return True
    there = attempts.said(program, "socket", model.url)
    print(f"── in the container\n{there[:600]}")
    shared = [line for line in there.splitlines() if line.strip() and line in here.printed.splitlines()]
    if not here.steady:
        print("── It prints something else each time, so a difference means little.")
    elif shared:
        print("── The same in both, so the container doesn't hide it:", *shared[:3], sep="\n   ")
    return True


check.exercise(
    "09.3", mine, reaches, hint="a file in your home folder, an environment variable, a process", seconds=180
)

# %% tags=["folded"]
model.stop()
for service in services.values():
    service.shutdown()
    service.server_close()

# %% [markdown]
# ## Recap
#
# - The executor looks at code, and code can be written around it. A container takes things out of reach: what is not
#   there, no code can read.
# - Name the layer: own files, read-only files, few rights, no network. “It runs in Docker” says little.
# - Docker's socket or `--privileged` undo all of it. Refuse what is not known to be harmless.
# - `--network host` opens every service on the host's loopback. A Unix socket leads to one program.

# %% tags=["folded"]
check.quiz(
    "09",
    check.question(
        "An agent should read a folder of invoices, and none of them may leave the machine. Which setup holds?",
        right="`--network none`, the model's socket, the folder mounted read-only",
        why="It can read the invoices, which is its job, and there is no network to send them through.",
        wrong={
            "`--network host`, the folder mounted read-only": "It cannot change an invoice, but it can send it away.",
            "`--network host`, and a system prompt that forbids sending": "A page can tell the model otherwise.",
            "No container, and no `requests` among the allowed imports": "You saw two programs walk around such a list.",
        },
    ),
    check.question(
        "In a container, a program gets `EACCES`. What stopped it?",
        right="That depends on the call: starting a file in `/tmp` is another layer than opening `/etc/shadow`",
        why="The first is noexec, the second a user with few rights. Read the error together with the call.",
        wrong={
            "noexec": "It is if the program tried to start a file. For a file that it tried to open, it isn't.",
            "seccomp": "A refused call to the kernel usually fails with `EPERM`.",
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
# **In your own agent:** look at the command that starts its container. `--network`, `-v` and `--mount`, `--privileged`,
# `--cap-add`, `--device`, `--pid` and `--user` tell most of what its code can reach.
#
# **Next:** [10 what the loop costs](10_what_the_loop_costs.ipynb). To go further here: change a program in
# `docker/hostile/programs/`, predict the layer in its header, and run `make hostile`. It wants Linux, Docker and root, so a
# virtual machine is a good place.
