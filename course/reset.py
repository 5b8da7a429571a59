"""Give a lesson's notebook back as it came, and keep the learner's copy, dated.

The learner's notebooks are where `course lab` opens them, or in the copy that a workshop's hub made for them. A fresh one
comes from the course's repository (the last commit), or is the one that was copied. The old one is copied to kept/ first,
beside the folder of the notebooks; nothing is asked. Recorded progress is left alone.

    for lesson in reset(["05"], mine()):
        print(lesson.notebook, lesson.kept)
"""

import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from course import ROOT, files
from course.errors import CourseError

SHIPPED = ROOT / "notebooks"
AGAIN = "Take a fresh copy of the course in another folder, and copy the notebook from there."


@dataclass(frozen=True)
class Reset:
    """A notebook that is as it came. `kept` is the learner's copy; None if there was nothing to keep."""

    notebook: Path
    kept: Path | None


def mine() -> Path:
    """The folder of this learner's notebooks. On a workshop's hub, it is in their home."""
    copy = os.environ.get("COURSE_HUB_COPY")
    return Path.home() / copy / SHIPPED.name if copy else SHIPPED


def reset(names: Iterable[str], folder: Path, shipped: Path = SHIPPED) -> list[Reset]:
    """Reset the lessons with these names (`05`, `05_wire_and_steps`) in the learner's folder.

    CourseError for a name that no lesson has, before anything is changed, and if a fresh notebook cannot be had or
    written.
    """
    known = lessons(folder, shipped)
    chosen = [(stem, fresh(f"{stem}.ipynb", folder, shipped)) for stem in matching(list(names), known)]
    return [_one(folder / f"{stem}.ipynb", text) for stem, text in chosen]


def lessons(folder: Path, shipped: Path = SHIPPED) -> list[str]:
    """The names of all lessons: those that have a source, and those in the learner's folder."""
    sources = [*(shipped / "source").glob("[0-9][0-9]*_*.py"), *folder.glob("[0-9][0-9]*_*.ipynb")]
    return sorted({path.stem for path in sources})


def matching(names: list[str], known: list[str]) -> list[str]:
    """The lessons that are meant, in order; CourseError with the list of all if one is unknown or none is named."""
    chosen = []
    for name in names:
        wanted = Path(name).stem
        wanted = wanted.zfill(2) if wanted.isdecimal() else wanted
        found = [stem for stem in known if wanted and (stem == wanted or stem.startswith(f"{wanted}_"))]
        found = found or [stem for stem in known if len(wanted) > 2 and stem.startswith(wanted)]
        if not found:
            raise CourseError(f"there is no lesson {name!r}.\n{_list(known)}")
        chosen += found
    if not chosen:
        raise CourseError(f"say which lesson to reset.\n{_list(known)}")
    return sorted(set(chosen))


def _list(known: list[str]) -> str:
    return "The lessons are:\n" + "".join(f"  {stem}\n" for stem in known) + "For example:  course reset 05"


def fresh(name: str, folder: Path, shipped: Path = SHIPPED) -> bytes:
    """The notebook as it came: the shipped file if the learner works on a copy elsewhere, else that of the last
    commit."""
    if folder.resolve() != shipped.resolve():
        try:
            return (shipped / name).read_bytes()
        except OSError as error:
            raise CourseError(f"{shipped / name} cannot be read ({error.strerror}).\n{AGAIN}") from error
    git = shutil.which("git")
    if git is None:
        raise CourseError(
            f"git is not installed, and the fresh notebooks are in its repository. Nothing was changed.\n{AGAIN}"
        )
    done = subprocess.run([git, "show", f"HEAD:./{name}"], cwd=shipped, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it gave no reason"]
        raise CourseError(f"git has no fresh {name}: {said[0]}. Nothing was changed.\n{AGAIN}")
    return done.stdout


def _one(path: Path, text: bytes) -> Reset:
    """Keep a copy of the learner's notebook, then replace it by the fresh one. Both or neither."""
    try:
        if path.is_file() and path.read_bytes() == text:
            return Reset(path, None)
        with files.replacing(path) as part:
            part.write_bytes(text)
            kept = _kept(path)
        return Reset(path, kept)
    except OSError as error:
        raise CourseError(
            f"{path.name} could not be reset ({error.strerror or error}: {error.filename or path}). Your notebook is "
            "unchanged.\nMake the folder writable, then try again:  "
            f"course reset {path.stem[:2]}"
        ) from error


def _kept(path: Path) -> Path | None:
    """A copy of the learner's notebook with the date in its name, which nothing else has."""
    if not os.path.lexists(path):
        return None
    folder = path.parent.parent / "kept"
    folder.mkdir(exist_ok=True)
    stamp = datetime.now().astimezone().strftime("%Y-%m-%d-%H%M%S")
    for number in range(1, 1000):
        kept = folder / f"{path.stem}.{stamp}{f'-{number}' * (number > 1)}.ipynb"
        try:
            with path.open("rb") as old, kept.open("xb") as new:
                shutil.copyfileobj(old, new)
                new.flush()
                os.fsync(new.fileno())
        except FileExistsError:
            continue
        return kept
    raise FileExistsError(None, "too many copies", str(folder))
