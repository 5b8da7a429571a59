"""What the notebooks import: small flat modules, one job each."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
"""The checkout: notebooks/, docker/ and the other folders are beside this one."""
