"""The command `course`. Does: parses arguments, calls the module that does the work, prints.
Does not: contain that work. What a learner can put right ends in one message and status 1.

    course ask "How many seconds would it take for a leopard at full speed to run through Pont des Arts?"
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from course.cli.sandbox import sandbox
from course.errors import CourseError


class Group(TyperGroup):
    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except CourseError as e:
            typer.echo(f"course: {e}", err=True)
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Local agents, on the wire: a course that reads every byte between an agent and its model.",
)

app.add_typer(sandbox, name="sandbox")

Profile = Annotated[str | None, typer.Option(help="Which model; default: $PROFILE, else embedded.")]
Url = Annotated[
    str | None, typer.Option("--server", help="Attach to this address; default: $SERVER, else start one.")
]


@app.command()
def doctor() -> None:
    """Is this machine ready? Status 1 if something that is needed fails."""
    from course.doctor import checks

    found = checks()
    width = max(len(c.name) for c in found)
    for check in found:
        typer.echo(f"{'✓' if check.ok else '✗'} {check.name.ljust(width)}  {check.saw}")
        if not check.ok:
            typer.echo(f"  {' ' * width}  wants: {check.wants}\n  {' ' * width}  run:   {check.run}")
    if not all(c.ok for c in found):
        raise typer.Exit(1)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": False})
def serve(
    ctx: typer.Context,
    profile: Profile = None,
    port: Annotated[int | None, typer.Option(help="Default: 8080, or a free one.")] = None,
    socket: Annotated[
        Path | None, typer.Option(help="Listen on this Unix socket (….sock), not on a port.")
    ] = None,
    background: Annotated[bool, typer.Option("--background", help="Return when it is ready.")] = False,
    model: Annotated[Path | None, typer.Option(help="Another GGUF file.")] = None,
    jinja: Annotated[
        bool | None, typer.Option("--jinja/--no-jinja", help="Use the model's own template.")
    ] = None,
    reasoning_format: Annotated[str | None, typer.Option(help="none, auto, deepseek …")] = None,
    skip_chat_parsing: Annotated[
        bool | None, typer.Option("--skip-chat-parsing", help="All text is content.")
    ] = None,
    chat_template_file: Annotated[Path | None, typer.Option(help="Another chat template.")] = None,
    context: Annotated[int | None, typer.Option("--context", "-c", help="Tokens of context.")] = None,
    parallel: Annotated[int | None, typer.Option(help="Slots.")] = None,
    gpu_layers: Annotated[int | None, typer.Option(help="Layers on the GPU.")] = None,
    metrics: Annotated[bool | None, typer.Option("--metrics", help="Answer /metrics.")] = None,
    props: Annotated[bool | None, typer.Option("--props", help="Accept POST /props.")] = None,
    lora: Annotated[Path | None, typer.Option(help="A LoRA adapter.")] = None,
) -> None:
    """Start a llama-server and keep it until Ctrl-C. Flags after -- go to it unchanged."""
    from course.server import serving

    if background:
        raise typer.Exit(serving.in_background(sys.argv[1:]))
    own = ("ctx", "profile", "port", "background", "serving", "own")
    changes = {
        k: str(v) if isinstance(v, Path) else v for k, v in locals().items() if k not in own and v is not None
    }
    if ctx.args:
        changes["extra"] = ctx.args
    serving.in_foreground(profile, port, changes)


@app.command()
def stop() -> None:
    """Stop every server that this course started, also those whose notebook is gone."""
    from course.server import stop_all

    stopped = stop_all()
    for server in stopped:
        typer.echo(f"stopped {server}")
    if not stopped:
        typer.echo("no server of this course is running")


@app.command()
def lab(profile: Profile = None, server: Url = None) -> None:
    """JupyterLab on the first lesson, with a live server. Ctrl-C ends both."""
    from course.server.serving import jupyterlab

    raise typer.Exit(jupyterlab(profile, server))


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What to ask; without it, the leopard question.")] = "",
    profile: Profile = None,
    server: Url = None,
    max_steps: Annotated[int, typer.Option(help="Give up after so many steps.")] = 10,
    tape: Annotated[Path | None, typer.Option(help="Where to record; default: a new file in tapes/.")] = None,
) -> None:
    """Ask an agent, and see each step with its bytes. The tape stays."""
    from course import view
    from course.agent import LEOPARD, code_agent, connect, record_run
    from course.server import Server
    from course.tape import Tape
    from course.turns import turns

    question, shown = question or LEOPARD, 0

    def print_new(*_: Any, **__: Any) -> None:
        nonlocal shown
        made = turns(record.records(), since=before)
        for turn in made[shown:]:
            typer.echo(view.text(turn))
        shown = len(made)

    with Server(profile, url=server) as live:
        record = Tape(tape)
        before = len(record.records())
        model = connect(live, record)
        agent = code_agent(model, max_steps=max_steps, verbosity_level=-1, step_callbacks=[print_new])
        record_run(record, question, live, model)
        try:
            answer = agent.run(question)
        except Exception as e:
            print_new()
            raise CourseError(
                f"the run ended without an answer: {e}\nLook at it:  course view {record.path}"
            ) from e
    print_new()
    typer.echo(f"{question}\n{answer}\n\ntape: {record.path}\nLook at it:  course view {record.path}")


@app.command()
def view(
    tape: Annotated[Path, typer.Argument(help="A tape, from `course ask` or a lesson.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="FILE.html, or FILE.har for a browser.")
    ] = None,
) -> None:
    """Make one HTML page of a tape, or a .har file, and print its path."""
    from course.turns import turns
    from course.view import page

    record = _read(tape)
    name = tape.name.removesuffix(".jsonl").removesuffix(".tape")
    output = output or tape.with_name(f"{name}.html")
    if output.exists() and output.samefile(tape):
        raise CourseError(
            f"{output} is the tape itself.\nName another file:  course view {tape} -o page.html"
        )
    if output.suffix == ".har":
        record.export(output)
    else:
        made = turns(record.records())
        asked = next((t.run.get("question") for t in made if t.run), None) or name
        output.write_text(page(made, asked), encoding="utf-8")
    typer.echo(output)


@app.command()
def diagnose(
    tape: Annotated[Path, typer.Argument(help="A tape, from `course ask` or a lesson.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of objects instead of text.")] = False,
) -> None:
    """Name what went wrong on a tape, with the bytes that prove it. Status 1 with findings, 2 without a tape."""
    import json
    import warnings

    from course import diagnose as diagnosis
    from course.tape import Tape
    from course.turns import turns

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # what was skipped is said below, in our words
            record = Tape.read(tape)
        made = turns(record.records())
        if not made:
            raise CourseError(
                f"{tape} has no exchange and no step, so there is nothing to diagnose. "
                "Record a run:  course ask 'your question'"
            )
    except CourseError as e:
        typer.echo(f"course: {e}", err=True)
        raise typer.Exit(2) from None
    for problem in record.problems:
        typer.echo(f"course: {problem}", err=True)
    findings = diagnosis.diagnose(made)
    if as_json:
        typer.echo(json.dumps([diagnosis.record(f) for f in findings], indent=1, ensure_ascii=False))
    else:
        typer.echo(f"{tape}: " * (not findings) + diagnosis.text(findings, made))
    raise typer.Exit(1 if findings else 0)


@app.command()
def model() -> None:
    """Build the embedded model, if it isn't there yet, and print its path."""
    from course.model.embedded import gguf_path

    typer.echo(gguf_path(report=lambda line: typer.echo(line, err=True)))


@app.command(context_settings={"allow_extra_args": True, "allow_interspersed_args": False})
def tap(
    ctx: typer.Context,
    upstream: Annotated[
        str | None, typer.Option(help="The server to ask; default: $SERVER, else http://127.0.0.1:8080.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Where to listen; default: 8081, or a free one.")] = None,
    host: Annotated[
        str, typer.Option(help="Another address to listen on: others can then use your server.")
    ] = "127.0.0.1",
    tape: Annotated[Path | None, typer.Option(help="Where to record; default: a new file in tapes/.")] = None,
) -> None:
    """Record any client and its server, changing nothing. A command after -- is run with its base URL set.

    course tap --upstream http://localhost:8080 -- python my_agent.py
    """
    from course.tap import tapping

    upstream = upstream or tapping.default_upstream()
    raise typer.Exit(tapping.tap(upstream, port, host, tape, ctx.args))


def _read(path: Path) -> Any:
    """The tape; what could not be read of it is said, and the rest goes on."""
    import warnings

    from course.tape import Tape

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        record = Tape.read(path)
    for problem in record.problems:
        typer.echo(f"course: {problem}", err=True)
    return record
