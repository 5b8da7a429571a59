"""What a smaller model costs in right answers and gains in speed:  python -m training.research.quantizations --write

Merges the adapter into the base in each quantization, asks each the same held-out questions of one family, and stores
the results for the table in the model card. Which one the course builds is decided in course/model/embedded.py.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from course.model.embedded import QUANTIZATION, adapter_path, base_path, sha256
from course.model.merge import merge
from course.server import Server
from training import eval as evaluation
from training import table
from training.families import FAMILIES, speed
from training.record import store, summary

KINDS = "Q8_0", "Q4_1", "Q4_0"


def measure(kind: str, path: Path, family: str, cases: int, seed: int) -> dict[str, Any]:
    """One row: the size of the file, how often the model is right, and what a run takes."""
    with Server("embedded", quiet=True, model=path, url=False) as server:
        results = list(evaluation.told(evaluation.run([server], family, range(cases), seed)))
        assert server.engine is not None  # known for a server that was started here
        engine = f"{server.engine.kind}, {server.engine.build}"
    per_second = sum(r.generated for r in results) / sum(r.seconds for r in results)
    row = {"quantization": kind, "megabytes": round(path.stat().st_size / 1e6, 1), "engine": engine}
    return row | summary(results) | {"tokens_per_second": round(per_second, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kind", action="append", choices=KINDS, help="repeat for more (default: all)")
    parser.add_argument("--family", default=speed.FAMILY, choices=list(FAMILIES))
    parser.add_argument("--cases", type=int, default=50)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--write", action="store_true", help="store the results and update the model card")
    args = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in args.kind or KINDS:
            print(f"── {kind}")
            path = Path(folder) / f"{kind}.gguf"
            merge(base_path(), adapter_path(), path, kind)
            rows.append(measure(kind, path, args.family, args.cases, args.seed))
            path.unlink()
    data = {
        "adapter_sha256": sha256(adapter_path()),
        "family": args.family,
        "seed": args.seed,
        "chosen": QUANTIZATION,
        "rows": rows,
    }
    print(json.dumps(data, indent=1))
    if args.write:
        store(table.QUANTIZATIONS, data)
        table.main()


if __name__ == "__main__":
    main()
