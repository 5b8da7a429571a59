"""The `course` command: parse the arguments, call the module that does the work, print.

docs/cli.md is generated from the texts here. course/terminal.py prints, course/cli/group.py turns errors into messages.

    course ask "How many seconds would it take for a leopard at full speed to run through Pont des Arts?"
"""

from pathlib import Path
from typing import Annotated

import typer

from course import files
from course.cli.board import board
from course.cli.export import export
from course.cli.group import Group
from course.cli.replay import replay
from course.cli.run import run
from course.cli.sandbox import sandbox
from course.errors import CourseError
from course.terminal import say

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Read every byte between an agent and its local model. Start with:  course lab",
)

app.add_typer(sandbox, name="sandbox")
app.add_typer(board, name="board")

Profile = Annotated[str | None, typer.Option(help="Model profile (default: $PROFILE, else embedded).")]
Url = Annotated[
    str | None,
    typer.Option("--server", help="Address of a running llama-server (default: $SERVER, else start one)."),
]
Tape = Annotated[
    Path | None,
    typer.Option("--tape", help="Tape file to write or append to (default: a new file in tapes/)."),
]
Recorded = Annotated[Path, typer.Argument(metavar="TAPE", help="A tape (.tape.jsonl) or a HAR file.")]


@app.command()
def doctor(
    workshop: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Check a room's model server instead: reach, key, versions, latency, a question.",
        ),
    ] = None,
    hub: Annotated[
        str | None, typer.Option(metavar="URL", help="Check that a workshop's JupyterHub is at this address.")
    ] = None,
) -> None:
    """Check whether this computer is ready for the course.

    With --workshop or --hub, check from here whether a workshop's servers are. A key is taken from KEY.

    Exits with status 1 if a check fails.
    """
    if workshop or hub:
        from course.workshop import checks as room

        found = room(workshop, hub)
    else:
        from course.doctor import checks

        found = checks()
    width = max(len(c.name) for c in found)
    for check in found:
        say(f"{'✓' if check.ok else '✗'} {check.name.ljust(width)}  {check.saw}")
        if not check.ok:
            say(f"  {' ' * width}  needs: {check.needs}\n  {' ' * width}  run:   {check.run}")
    if not all(c.ok for c in found):
        raise typer.Exit(1)


@app.command(
    options_metavar="[OPTIONS] [-- FLAGS...]",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": False},
)
def serve(
    ctx: typer.Context,
    profile: Profile = None,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port to listen on (default: 8080, or the next free one)."),
    ] = None,
    socket: Annotated[
        Path | None, typer.Option(help="Listen on this Unix socket (….sock) instead of a port.")
    ] = None,
    background: Annotated[
        bool, typer.Option("--background", help="Return when the server is ready, and leave it running.")
    ] = False,
    model: Annotated[Path | None, typer.Option(help="GGUF file to load instead of the profile's.")] = None,
    jinja: Annotated[
        bool | None,
        typer.Option(
            "--jinja/--no-jinja",
            help="Render the chat template with Jinja, or with llama-server's built-in formats.",
        ),
    ] = None,
    reasoning_format: Annotated[
        str | None,
        typer.Option(help="Where thinking goes in the response: none, auto, deepseek or deepseek-legacy."),
    ] = None,
    skip_chat_parsing: Annotated[
        bool | None,
        typer.Option(
            "--skip-chat-parsing", help="Leave everything in content, including thinking and tool calls."
        ),
    ] = None,
    chat_template_file: Annotated[
        Path | None, typer.Option(help="Chat template to use instead of the profile's.")
    ] = None,
    context: Annotated[
        int | None, typer.Option("--context", "-c", help="Size of the context window, in tokens.")
    ] = None,
    parallel: Annotated[
        int | None, typer.Option(help="Number of slots, that is, of requests served in parallel.")
    ] = None,
    gpu_layers: Annotated[int | None, typer.Option(help="Number of layers to keep on the GPU.")] = None,
    metrics: Annotated[bool | None, typer.Option("--metrics", help="Enable GET /metrics.")] = None,
    props: Annotated[bool | None, typer.Option("--props", help="Enable POST /props.")] = None,
    lora: Annotated[Path | None, typer.Option(help="LoRA adapter (GGUF) to apply.")] = None,
) -> None:
    """Start a llama-server and run it until Ctrl-C.

    Everything after -- is passed to llama-server unchanged:

    course serve --context 4096 -- --cache-reuse 256
    """
    from course.server import serving

    given = {
        "socket": socket,
        "model": model,
        "jinja": jinja,
        "reasoning_format": reasoning_format,
        "skip_chat_parsing": skip_chat_parsing,
        "chat_template_file": chat_template_file,
        "context": context,
        "parallel": parallel,
        "gpu_layers": gpu_layers,
        "metrics": metrics,
        "props": props,
        "lora": lora,
        "extra": ctx.args or None,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    (serving.in_background if background else serving.in_foreground)(profile, port, changes)


@app.command()
def stop() -> None:
    """Stop the llama-servers that this course started, also those whose notebook is gone.

    One is spared: the server of an open `course lab`. Ctrl-C there stops both. A JupyterLab whose
    `course lab` was killed is stopped, too.
    """
    from course.server import registry

    stopped = registry.stop_all()
    for server in stopped:
        say(f"stopped {server}")
    left = [server for server in registry.running() if server.profile != registry.LAB]
    for server in left:
        say(f"left running: {server}. An open JupyterLab uses it; Ctrl-C where you started that stops both")
    if not stopped and not left:
        say("no server started by this course is running")


@app.command()
def lab(profile: Profile = None, server: Url = None) -> None:
    """Open JupyterLab on the first lesson, with a live llama-server.

    Ctrl-C stops both.
    """
    from course.server.lab import jupyterlab

    raise typer.Exit(jupyterlab(profile, server))


@app.command()
def progress(
    lesson: Annotated[
        str | None, typer.Argument(metavar="LESSON", help="Number of a lesson, such as 05 (default: all).")
    ] = None,
) -> None:
    """Show which exercises are solved, in all lessons or in one."""
    from course import progress as recorded

    recorded.show(lesson)


@app.command()
def reset(
    lessons: Annotated[
        list[str] | None, typer.Argument(metavar="LESSON...", help="Number or name of a lesson, such as 05.")
    ] = None,
) -> None:
    """Give a lesson's notebook back as it came, and keep yours with the date in its name.

    What you have solved stays recorded.
    """
    from course import reset as fresh
    from course.server import lab

    folder = fresh.mine()
    for done in fresh.reset(lessons or [], folder, fresh.SHIPPED):
        if done.kept:
            say(f"{done.notebook.name} is fresh. Your copy: {done.kept}")
        else:
            say(f"{done.notebook.name} is fresh. There was nothing of yours to keep.")
    lab.trust(folder)
    say("If it is open in JupyterLab, choose File → Reload Notebook from Disk.")


@app.command()
def ask(
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help="Question to ask (default: the leopard question).")
    ] = "",
    profile: Profile = None,
    server: Url = None,
    max_steps: Annotated[int, typer.Option(min=1, help="Maximum number of steps.")] = 10,
    tape: Tape = None,
) -> None:
    """Ask an agent, print each turn as it happens, and record the run on a tape."""
    from course import view
    from course.agent import LEOPARD, recorded_run
    from course.diagnose import diagnose as diagnosed
    from course.server import Server
    from course.tape import Tape

    record = Tape(tape, report=_problem)
    with Server(profile, url=server) as live:
        done = recorded_run(
            live,
            question or LEOPARD,
            record,
            max_steps=max_steps,
            on_turn=lambda turn: say(view.text(turn)),
        )
    record.close()
    where = record.writer.rescued or record.path  # never a file that a full disk has kept empty
    if done.error:
        found = [f.title for f in diagnosed(done.turns) if f.turn == done.turns[-1].number and not f.remark]
        raise CourseError(
            f"the run ended without an answer: {done.error}\n"
            + (f"{done.turns[-1].label.capitalize()}: {'; '.join(found)}.\n" if found else "")
            + f"Find out why:  course diagnose {where}\nLook at it:  course view {where}"
        ) from done.error
    say(f"{done.question}\n{done.answer}\n\ntape: {where}\nLook at it:  course view {where}")


@app.command()
def view(
    tape: Recorded,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="FILE.html, or FILE.har for a browser's network tools (default: an HTML file next to the tape).",
        ),
    ] = None,
) -> None:
    """Render a tape as a single HTML page, or export it as a .har file, and print the path of the new file.

    The page shows every exchange with what came of it, and the findings of `course diagnose` beside their turns.
    """
    from course.diagnose import diagnose as diagnosed
    from course.tape import Tape
    from course.turns import turns
    from course.view import page

    record = Tape.read(tape, report=_problem)
    name = tape.name.removesuffix(".jsonl").removesuffix(".tape")
    output = output or tape.with_name(f"{name}.html")
    if output.exists() and output.samefile(tape):
        raise CourseError(
            f"{output} is the tape itself, which would be overwritten.\n"
            f"Choose another file:  course view {tape} -o page.html"
        )
    with files.output(output, f"course view {tape} -o page.html"):
        if output.suffix == ".har":
            record.export(output)
        else:
            made = turns(record.records())
            asked = next((t.run.get("question") for t in made if t.run), None) or name
            files.write_private(output, page(made, asked, diagnosed(made)))
    say(output)


@app.command()
def diagnose(
    tape: Recorded,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Report what went wrong in a recorded run, with the bytes that prove it.

    Exits with status 0 if there are no faults, 1 if there are any, and 2 if the tape cannot be read. Remarks, and
    exchanges that could not be judged, do not count.
    """
    import json

    from course import diagnose as diagnosis
    from course.tape import Tape
    from course.turns import turns

    try:
        record = Tape.read(tape, report=_problem)
        made = turns(record.records())
        if not made:
            raise CourseError(
                f"{tape} contains no exchanges and no steps, so there is nothing to diagnose.\n"
                "Record a run:  course ask 'your question'"
            )
    except CourseError as e:
        say(f"course: {e}", err=True)
        raise typer.Exit(2) from None
    findings = diagnosis.diagnose(made)
    if as_json:
        say(json.dumps([diagnosis.record(f) for f in findings], indent=1, ensure_ascii=False))
    else:
        say(f"{tape}: " * (not findings) + diagnosis.text(findings, made, tape=str(tape)))
    raise typer.Exit(1 if any(not finding.remark for finding in findings) else 0)


app.command()(replay)
app.command()(export)
app.command()(run)


@app.command()
def model() -> None:
    """Print the path of the embedded model. Builds it first if necessary."""
    from course.model.embedded import gguf_path

    say(gguf_path(report=lambda line: say(line, err=True)))


@app.command(
    options_metavar="[OPTIONS] [-- COMMAND...]",
    context_settings={"allow_extra_args": True, "allow_interspersed_args": False},
)
def tap(
    ctx: typer.Context,
    upstream: Annotated[
        str | None,
        typer.Option(
            help="Base URL of the server, as the client would have it, path included: http://localhost:8080/v1, "
            "https://openrouter.ai/api/v1 (default: $SERVER, else http://127.0.0.1:8080)."
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port to listen on (default: 8081, or a free one)."),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen on. Anything but loopback lets other computers use your server."
        ),
    ] = "127.0.0.1",
    tape: Tape = None,
) -> None:
    """Record the traffic between any client and its model server.

    Bodies pass unchanged. The key that a request is sent with is kept off the tape; prompts and answers are on it. The
    client speaks plain HTTP to the tap, and the tap HTTP or HTTPS to the server.

    With a command after --, the tap runs it, prints what course diagnose finds, and exits with the command's status:

    course tap --upstream http://localhost:8080/v1 -- python my_agent.py

    The command gets the tap's base URL in OPENAI_BASE_URL, OPENAI_API_BASE and LITELLM_PROXY_API_BASE, and without /v1 in
    ANTHROPIC_BASE_URL and ANTHROPIC_API_BASE. If OPENAI_API_KEY is not set, it is "none", or $KEY if the server is
    $SERVER. If the program's own code sets a base URL, let it read that variable:
    ChatOpenAI(base_url=os.environ.get("OPENAI_BASE_URL"), …)

    Without a command, the tap prints its base URL, for the settings of a client, and records until Ctrl-C.
    """
    from course.tap import command

    upstream = upstream or command.default_upstream()
    raise typer.Exit(command.tap(upstream, port, host, tape, ctx.args))


def _problem(problem: str) -> None:
    """A part of a tape that could not be read or written; the command continues with the rest."""
    say(f"course: {problem}", err=True)
