"""The source of a new lesson, with every part that a lesson has, ready to be filled in.

python -m authoring new 13 my_lesson        # writes notebooks/source/13_my_lesson.py
"""

import re
from pathlib import Path

from authoring.lessons import NOTEBOOKS
from course.errors import CourseError

SOURCE = """# %% [markdown]
# # {number} · {title}
#
# One sentence: what the learner wants to know, and why it matters at work.
#
# **After this lesson you can** … · **Minutes:** … · **Needs:** lesson …

# %% tags=["parameters"]
SERVER = None
PROFILE = None

# %%
from course import check
from course.server import Server

# %% [markdown]
# ## A question that can be answered before the code
#
# **Predict:** how many slots does the server have?

# %%
guess = ...

# %%
server = Server(PROFILE, url=SERVER, quiet=True).start()
props = server.props()
sorted(props)

# %%
check.prediction("{number}.p1", guess, was=props["total_slots"], unit="slots")

# %% [markdown]
# What the learner saw, what it means, and why they should care.
#
# ### Exercise {number}.1 · ★☆☆ · 5 minutes
#
# How many tokens does the server's context window hold?
#
# <details><summary>Hint</summary>Look into <code>default_generation_settings</code>.</details>

# %% tags=["stub"]
context = ...

# %% tags=["solution"]
context = props["default_generation_settings"]["n_ctx"]

# %%
n_ctx = server.props()["default_generation_settings"]["n_ctx"]
check.exercise("{number}.1", context, n_ctx, hint="it is in props")

# %% [markdown]
# ## Recap
#
# - …
#
# **Next:** …
#
# ## Three questions

# %% tags=["folded"]
check.quiz(
    "{number}",
    check.question("…?", right="…", why="…", wrong={{"another": "…", "a third": "…"}}),
)

# %%
server.stop()
check.progress("{number}")
"""


def create(number: str, slug: str, root: Path = NOTEBOOKS) -> Path:
    """Write the source of lesson `number` (05; 05b for an appendix) and return its path. Never overwrites one."""
    if not re.fullmatch(r"\d\d[a-z]?", number) or not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", slug):
        raise CourseError(
            f"{number}_{slug} is not a valid name for a lesson; expected two digits (and a letter for an appendix) "
            "and words in lower case.\n"
            "For example:  python -m authoring new 13 read_the_log"
        )
    if taken := sorted((root / "source").glob(f"{number}_*.py")):
        raise CourseError(f"lesson {number} already exists: {taken[0]}.\nChoose another number")
    path = root / "source" / f"{number}_{slug}.py"
    title = slug.replace("_", " ").capitalize()
    path.write_text(SOURCE.format(number=number, title=title), encoding="utf-8", newline="\n")
    return path
