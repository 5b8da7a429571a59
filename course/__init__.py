"""Local agents, on the wire: the package behind the notebooks and the `course` command."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
"""The checkout, which has notebooks/, docker/ and the other folders beside this one."""
