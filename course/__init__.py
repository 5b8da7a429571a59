"""Local agents, on the wire: what a notebook or the command `course` imports."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
"""The checkout, which has notebooks/, docker/ and the other folders beside this one."""
