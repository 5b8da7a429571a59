"""Make the outputs of an executed notebook the same on every machine.

Drops what differs between two runs of the same notebook: timings, injected cells, random ids, paths. Pure, except for
`places`, which asks where this machine keeps things.

    notebook = normalise(executed, places())
"""

import copy
import json
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from course import ROOT

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "pygments_lexer": "ipython3",
}
WIDGETS = "application/vnd.jupyter.widget-state+json"
VIEW = "application/vnd.jupyter.widget-view+json"
RUNTIME = ("papermill", "execution")


def normalise(notebook: NotebookNode, places: dict[str, str]) -> NotebookNode:
    """The same notebook without what differs between two runs: timings, counts, random ids, machine paths."""
    notebook = with_plain_widget_ids(copy.deepcopy(notebook))
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    state = notebook.metadata.get("widgets", {}).get(WIDGETS, {}).get("state")
    widgets = {"widgets": notebook.metadata.widgets} if state else {}
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNELSPEC, "language_info": LANGUAGE, **widgets})
    count = 0
    for cell in notebook.cells:
        cell.metadata = {
            k: v for k, v in cell.metadata.items() if k not in RUNTIME and (k, v) != ("tags", [])
        }
        if cell.cell_type != "code":
            continue
        if cell.execution_count is not None:
            count += 1
            cell.execution_count = count
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = cell.execution_count
        cell.outputs = scrubbed(cell.outputs, places)
    made: NotebookNode = nbformat.from_dict(notebook)
    return made


def scrubbed(value: Any, places: dict[str, str]) -> Any:
    """Any JSON value with the paths of this machine replaced by the names in `places`, longest first."""
    if isinstance(value, str):
        for place in sorted(places, key=len, reverse=True):
            value = value.replace(place, places[place])
        return re.sub(r"\S*ipykernel_\d+[/\\]\d+\.py", "cell.py", value)
    if isinstance(value, dict):
        return {key: scrubbed(part, places) for key, part in value.items()}
    return [scrubbed(part, places) for part in value] if isinstance(value, list) else value


def places() -> dict[str, str]:
    """What a path of this machine is called in a stored output."""
    from course.files import cache_dir

    home = Path.home()
    named = {str(home): "~", sys.prefix: ".venv", str(ROOT): "."}
    named[str(cache_dir())] = "~/.cache/agents-on-the-wire"
    for name in ("python", "python3", Path(sys.executable).name):
        named[str(Path(sys.prefix) / "bin" / name)] = "python"
    named[sys.executable] = "python"
    return {place: name for place, name in named.items() if len(place) > 1}


def with_plain_widget_ids(notebook: NotebookNode) -> NotebookNode:
    """Widget ids in the order in which the page refers to them, instead of random ones."""
    state = notebook.metadata.get("widgets", {}).get(WIDGETS, {}).get("state", {})
    order: list[str] = []

    def visit(id: str) -> None:
        if id in state and id not in order:
            order.append(id)
            for other in re.findall(r"IPY_MODEL_(\w+)", json.dumps(state[id], sort_keys=True)):
                visit(other)

    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            visit(output.get("data", {}).get(VIEW, {}).get("model_id", ""))
    unseen = [(json.dumps({**model, "state": {}}, sort_keys=True), id) for id, model in state.items()]
    for _, id in sorted(unseen):
        visit(id)
    if not order:
        return notebook
    text = nbformat.writes(notebook)
    for number, id in enumerate(order):
        text = text.replace(id, f"{number:032x}")
    plain: NotebookNode = nbformat.reads(text, as_version=4)
    return plain
