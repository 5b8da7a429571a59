"""The distribution's Python as the files of a base image, where no registry is at hand:  python rootfs.py base.tar

Does: runs debootstrap, as root, against the mirror that apt uses. Does not: need a Docker engine, so that CI can do it
while other tests run.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGES = "python3,python3-venv,ca-certificates"
"""Python, and what it needs to make a virtual environment."""


def make(target: Path) -> None:
    """Writes the file whole or not at all."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Identifier: Packages"]
    said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    where, suite = said.splitlines()[0].split()
    components = "main,universe" if "ubuntu" in where else "main"
    flags = ["--variant=minbase", f"--include={PACKAGES}", f"--components={components}"]
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        root = Path(folder) / "root"
        made = ["debootstrap", *flags, suite, str(root), where]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["tar", "-C", str(root), "-cf", str(part), "."], check=True)
    part.replace(target)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
