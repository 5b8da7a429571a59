"""Write the agent's lock file: the part of requirements.lock that the image needs, with its hashes.

Starts from the packages that the agent imports, follows their requirements, and copies their blocks. Never resolves or
downloads anything, so the image has exactly what the tests ran with.

    python docker/pins.py        # writes docker/requirements.lock; `make lock` does it
"""

import re
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docker" / "requirements.lock"
NEEDED = ("smolagents", "openai", "httpx", "jinja2", "platformdirs", "psutil")
"""What docker/agent.py and the modules of `course` behind it import."""


def closure(names: tuple[str, ...] = NEEDED) -> set[str]:
    """These packages and everything that they require, on any platform."""
    found: set[str] = set()
    rest = [canonicalize_name(name) for name in names]
    while rest:
        name = rest.pop()
        if name in found:
            continue
        found.add(name)
        try:
            asks = metadata.requires(name) or []
        except metadata.PackageNotFoundError:  # for another platform
            continue
        for requirement in map(Requirement, asks):
            if "extra ==" not in str(requirement.marker or ""):
                rest.append(canonicalize_name(requirement.name))
    return found


def pins(lock: str, names: set[str]) -> str:
    """The blocks of the lock for these packages."""
    blocks = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)
    return "".join(b for b in blocks if canonicalize_name(b.partition("==")[0].strip() or "-") in names)


def main() -> int:
    made = pins((ROOT / "requirements.lock").read_text(encoding="utf-8"), closure())
    TARGET.write_text(made, encoding="utf-8")
    print(f"{TARGET.relative_to(ROOT)}: {len(re.findall('^[a-z]', made, re.MULTILINE))} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
