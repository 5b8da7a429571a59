"""Run hostile programs on the side where this is started: a JSON line on stdin for each, and one on stdout.

Runs each program in its own child process, in LocalPythonExecutor or as plain Python, and says how it ended. It neither
judges nor limits them (suite.py, run.py and the container do). It does not import the course, because nothing but its text
gets inside.
"""

import contextlib
import errno
import json
import os
import sys
import traceback

MARK = "@inside@ "  # precedes a line that says how a program ended; no program prints it


def executor(target):
    """LocalPythonExecutor as CodeAgent sets it up: default imports, a search tool, and the target as a variable."""
    import urllib.request

    from smolagents import LocalPythonExecutor, Tool
    from smolagents.default_tools import FinalAnswerTool

    class Search(Tool):
        name = "web_search"
        description = "Searches the web. The query goes to a server outside, as with any web search."
        inputs = {"query": {"type": "string", "description": "What to look for."}}  # noqa: RUF012
        output_type = "string"

        def forward(self, query: str) -> str:
            from urllib.parse import quote

            address = f"http://{target['outside']}:{target['web']}/search?q={quote(query)}"
            with contextlib.suppress(OSError):
                urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=2).read()
            return target["page"]

    made = LocalPythonExecutor([], timeout_seconds=target.get("executor_seconds", 10))
    made.send_tools({"web_search": Search(), "final_answer": FinalAnswerTool()})
    made.send_variables({"target": target})
    return made


def run(job):
    """Run one program; print what it printed, and how it ended."""
    error = None
    try:
        if job["how"] == "executor":
            made = executor(job["target"])
            try:
                print(made(job["code"]).logs)
            except BaseException:
                print(made.state.get("_print_outputs", ""))
                raise
        else:
            exec(compile(job["code"], "program", "exec"), {"target": job["target"], "__name__": "__main__"})
    except SystemExit:
        pass
    except BaseException as raised:
        number = getattr(raised, "errno", None)
        name = errno.errorcode.get(number) if isinstance(number, int) else None
        error = {"type": type(raised).__name__, "errno": name, "text": str(raised)[:500]}
        traceback.print_exc(limit=-2, file=sys.stderr)
    print(f"{MARK}{json.dumps({'ended': True, 'error': error})}", flush=True)


def drop(uid, folder):
    """Become the temporary user for good, in its folder. Nothing changes if this process already runs as that user.

    Imports come first, because that user may not be able to read the packages.
    """
    import pathlib  # noqa: F401
    import urllib.request  # noqa: F401

    from smolagents.utils import BASE_BUILTIN_MODULES

    for name in BASE_BUILTIN_MODULES:
        __import__(name)
    os.chdir(folder)
    if uid != os.getuid():
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    os.umask(0o077)


def main():
    """Run a single job in this process. After a line that names a user, run each job in a child, so that one import of
    smolagents serves all of them.
    """
    lines = [json.loads(line) for line in sys.stdin.read().splitlines()]
    if len(lines) == 1:
        run(lines[0])
        return
    import resource
    import signal

    user, *jobs = lines
    drop(user["uid"], user["folder"])
    for job in jobs:
        print(f"{MARK}{json.dumps({'begins': job['slug']})}", flush=True)
        child = os.fork()
        if child == 0:
            for name, bound in job["bounds"].items():
                limit = getattr(resource, name)
                resource.setrlimit(limit, (bound, bound))
            signal.alarm(job["seconds"])
            try:
                run(job)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        print(f"{MARK}{json.dumps({'status': os.waitstatus_to_exitcode(status)})}", flush=True)


main()
