"""Keep the results of a run in a folder, one job at a time, and find out what is already there.

    OUT/jobs/NAME-ID/result.json    the outcome; written last, so that a folder with it is complete
                     executed.ipynb the notebook as it ran
                     run.tape.jsonl what it said to the model's server, if anything

A job's id changes with its notebook, server, profile and settings, so a result is never taken for another job's.
"""

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from course import files
from course.errors import CourseError
from course.run.outcome import FINAL, VERSION, Outcome, Result, outcome
from course.run.plan import EXECUTED, RESULT, Job


@dataclass(frozen=True)
class Kept:
    """A job's outcome with its files, each None if it has none. Paths are in the run's folder."""

    job: Job
    outcome: Outcome
    notebook: Path | None = None
    tape: Path | None = None


class Results:
    """The folder of a run. CourseError if it cannot be written."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.jobs = folder, folder / "jobs"
        try:
            self.jobs.mkdir(parents=True, exist_ok=True)
            with files.replacing(self.jobs / ".writable") as part:
                part.touch()
            (self.jobs / ".writable").unlink()
        except OSError as error:
            raise CourseError(
                f"cannot write results to {folder} ({error.strerror or error}).\n"
                "Choose another folder:  course run … --out FOLDER"
            ) from error

    def keep(self, job: Job, result: Result) -> Kept:
        """Write a result; only its user can read it, because a tape holds what was said to a model."""
        place = self.jobs / job.folder
        try:
            place.mkdir(mode=0o700, exist_ok=True)
            for name, data in ((EXECUTED, result.notebook), ("run.tape.jsonl", result.tape)):
                if data is None:
                    (place / name).unlink(missing_ok=True)
                else:
                    with files.replacing(place / name) as part:
                        part.chmod(0o600)
                        part.write_bytes(data)
            record = {"version": VERSION, "job": job.record(), "outcome": result.outcome.record()}
            files.write_private(place / RESULT, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
        except OSError as error:
            raise CourseError(
                f"cannot write the result of {job.title} to {place} ({error.strerror or error}). "
                "The results before it are kept.\nMake room, then repeat the command with:  "
                f"--out {self.folder}"
            ) from error
        return self._kept(job, result.outcome)

    def find(self, jobs: Iterable[Job], failed_again: bool = False) -> dict[Job, Kept]:
        """What is there of these jobs and final. With `failed_again`, only what passed is."""
        found = {}
        for job in jobs:
            made = self._read(job)
            if made and made.status in (("passed",) if failed_again else FINAL):
                found[job] = self._kept(job, made)
        return found

    def _read(self, job: Job) -> Outcome | None:
        with suppress(OSError, ValueError, TypeError, KeyError):  # damaged: as good as missing
            record = json.loads((self.jobs / job.folder / RESULT).read_text(encoding="utf-8"))
            if record["version"] == VERSION and record["job"]["id"] == job.id:
                return outcome(record["outcome"])
        return None

    def _kept(self, job: Job, made: Outcome) -> Kept:
        place = self.jobs / job.folder
        notebook, tape = place / EXECUTED, place / "run.tape.jsonl"
        return Kept(job, made, notebook if notebook.is_file() else None, tape if tape.is_file() else None)
