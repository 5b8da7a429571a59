"""The command `course export`: parse the arguments, write or send the tape in another format, say what is left out.

course/export and `Tape.export` do the work.
"""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from course import files
from course.errors import CourseError
from course.terminal import say


def export(
    tape: Annotated[Path, typer.Argument(metavar="TAPE", help="A tape (.tape.jsonl) or a HAR file.")],
    har: Annotated[Path | None, typer.Option(help="Write the exchanges to this HAR 1.2 file.")] = None,
    otlp: Annotated[
        Path | None, typer.Option(help="Write the turns as OpenTelemetry traces to this OTLP/JSON file.")
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Send the traces to this collector over HTTP (OTLP, protobuf), for example Phoenix: "
            "http://127.0.0.1:6006/v1/traces",
        ),
    ] = None,
    project: Annotated[
        str | None, typer.Option(help="Phoenix project for the traces (default: the tape's name).")
    ] = None,
    key_env: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Environment variable that holds the collector's API key."),
    ] = None,
) -> None:
    """Export a tape for other programs: as HAR, or as OpenTelemetry traces with OpenInference attributes.

    course export run.tape.jsonl --endpoint http://127.0.0.1:6006/v1/traces

    Traces go to a file, to a collector, or both. What spans cannot hold is listed; it stays on the tape.
    """
    from course.export import sending
    from course.export.otlp import left_out, traces
    from course.tape import Tape
    from course.turns import turns

    if not (har or otlp or endpoint):
        raise CourseError(f"no format was named.\nName one or more:  course export {tape} --otlp run.json")
    for output in (har, otlp):
        if output and output.exists() and tape.exists() and output.samefile(tape):
            raise CourseError(
                f"{output} is the tape itself, which would be overwritten.\nChoose another file"
            )
    key = None
    if key_env and not (key := os.environ.get(key_env)):
        raise CourseError(
            f"the environment variable {key_env} is not set.\nSet it:  {key_env}=… course export …"
        )
    record = Tape.read(tape, report=lambda problem: say(f"course: {problem}", err=True))
    if har:
        with files.output(har, f"course export {tape} --har run.har"):
            record.export(har)
        say(har)
    if not (otlp or endpoint):
        return
    made = turns(record.records())
    name = tape.name.removesuffix(".jsonl").removesuffix(".tape").removesuffix(".har")
    found = traces(made, project or name)
    if otlp:
        text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
        with files.output(otlp, f"course export {tape} --otlp run.json"):
            files.write_private(otlp, text)
        say(otlp)
    if endpoint:
        sent = sending.send(found, endpoint, key)
        say(
            f"{sent:,} span{'' if sent == 1 else 's'} sent to {sending.where(endpoint)}, project {project or name}"
        )
    if missing := left_out(made):
        say("Only on the tape: " + "; ".join(missing) + ".", err=True)
