"""Explore tapes in a notebook: pick a turn, compare two runs side by side, follow a run in progress.

Stock ipywidgets around the output of `view.show`, so it needs no extension. It does not refresh by itself. Clicks take
effect only when the running cell is done, but `update`, called during the run, shows new turns immediately. Everything can
be reached with Tab and the space bar, because JupyterLab uses the arrow keys and Enter for its cells.

    explorer = Explorer(tape)
    display(explorer)
    code_agent(model, step_callbacks=[explorer.update]).run(LEOPARD)
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from course import view
from course.tape import Tape
from course.turns import Record, Turn, runs, turns
from course.view.console import facts, run_name

Source = Tape | str | Path | list[Record] | list[Turn]
Key = tuple[int, int] | tuple[None, None]  # number of the source, number of the run in it
NONE: Key = (None, None)


class Explorer:
    """Tapes, paths of tapes, lists of records or lists of turns, in two panes.

    A path is read again at each `update`, so another process may be writing the tape. `count` returns the number of
    tokens in a text, for example `lambda s: len(server.tokenize(s))`; without it, tokens are estimated.
    """

    def __init__(self, *sources: Source, count: Callable[[str], int] | None = None):
        self.sources, self.count = list(sources), count
        self.found: dict[Key, list[Turn]] = {}
        self.first, self.second = _Pane("Run", "Turn"), _Pane("Compare with", "Its turn")
        self.follow = widgets.Checkbox(value=True, description="Follow the newest turn", indent=False)
        self.charts = widgets.Checkbox(value=False, description="Charts of the run", indent=False)
        self.said = widgets.HTML()
        panes = widgets.HBox(
            [self.first.box, self.second.box], layout={"flex_flow": "row wrap", "width": "100%"}
        )
        self.refresh = widgets.Button(description="Refresh", layout={"width": "auto"})
        switches = widgets.HBox(
            [self.follow, self.charts, self.refresh, self.said], layout={"flex_flow": "row wrap"}
        )
        self.box = widgets.VBox([switches, panes])
        for pane in (self.first, self.second):
            pane.run.observe(lambda _, pane=pane: self._run_picked(pane), "value")
            pane.turn.observe(lambda _: self._draw(), "value")
        self.charts.observe(lambda _: self._draw(), "value")
        self.refresh.on_click(lambda _: self.update())
        self._busy = False
        self.update()

    def update(self, step: Any = None, agent: Any = None) -> None:
        """Read the sources again. It has the signature of a smolagents step callback."""
        self.found, names = {}, []
        for s, source in enumerate(self.sources):
            for r, run in enumerate(runs(_turns(source, self.count))):
                self.found[s, r] = run
                names.append(_name(run, source))
        options = list(zip(_distinct(names), self.found, strict=True))
        known = [value for _, value in self.first.run.options]
        fresh = [value for value in self.found if value not in known]
        picked = fresh[-1] if fresh and (self.follow.value or known == [NONE]) else self.first.run.value
        self._busy = True  # setting options moves values: drawn once, at the end
        try:
            self.first.offer(options or [("no exchange yet", NONE)], picked)
            self.second.offer([("nothing", NONE), *options], self.second.run.value)
            self.first.offer_turns(self.found.get(self.first.run.value, []), self.follow.value)
            self.second.offer_turns(self.found.get(self.second.run.value, []), False)
        finally:
            self._busy = False
        self._draw()

    def shown(self) -> list[Turn]:
        """The turns that the panes show now."""
        picked = [(self.found.get(p.run.value, []), p.turn.value) for p in (self.first, self.second)]
        return [t for run, number in picked for t in run if t.number == number]

    def _run_picked(self, pane: "_Pane") -> None:
        if not self._busy:
            self._busy = True
            pane.offer_turns(self.found.get(pane.run.value, []), False)
            self._busy = False
            self._draw()

    def _draw(self) -> None:
        if self._busy:
            return
        count = sum(map(len, self.found.values()))
        self.said.value = (
            f"{count} turn{'' if count == 1 else 's'} in {len(self.found)} run{'s' * (len(self.found) != 1)}"
        )
        for pane in (self.first, self.second):
            pane.draw(self.found.get(pane.run.value, []), self.charts.value)

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None
    ) -> dict[str, Any]:
        """The widget and, for GitHub, nbviewer and stored notebooks, the first run as static HTML."""
        bundle = dict(self.box._repr_mimebundle_(include=include, exclude=exclude) or {})
        return {**bundle, "text/html": view.show(self.found.get(self.first.run.value, [])).data}


class _Pane:
    """Pickers and one turn, in half of the width, or in all of it if the other pane shows nothing."""

    def __init__(self, run: str, turn: str):
        wide = {"description_width": "7em"}
        self.run = widgets.Dropdown(options=[("nothing", NONE)], description=run, style=wide)
        self.turn = widgets.Dropdown(options=[], description=turn, style=wide)
        self.before = widgets.Button(description="Previous turn", layout={"width": "auto"})
        self.next = widgets.Button(description="Next turn", layout={"width": "auto"})
        self.body = widgets.HTML()
        self.steps = widgets.HBox([self.before, self.next])
        layout = {"flex": "1 1 24em", "min_width": "0", "padding": "0 1em 0 0"}
        self.box = widgets.VBox([self.run, self.turn, self.steps, self.body], layout=layout)
        self.before.on_click(lambda _: self.go(-1))
        self.next.on_click(lambda _: self.go(1))

    def go(self, by: int) -> None:
        known = [value for _, value in self.turn.options]
        at = known.index(self.turn.value) + by if self.turn.value in known else 0
        if 0 <= at < len(known):
            self.turn.value = known[at]

    def offer(self, options: list[tuple[str, Key]], value: Key) -> None:
        if list(self.run.options) != options:
            self.run.options = options
        self.run.value = value if value in [v for _, v in options] else options[0][1]

    def offer_turns(self, run: list[Turn], newest: bool) -> None:
        options = [(f"{t.number} · {facts(t)}", t.number) for t in run]
        known, before = [value for _, value in options], self.turn.value
        if list(self.turn.options) != options:
            self.turn.options = options
        if known:
            self.turn.value = known[-1] if newest else before if before in known else known[0]

    def draw(self, run: list[Turn], charts: bool) -> None:
        used = bool(run)
        for part in (self.turn, self.steps, self.body):
            part.layout.display = None if used else "none"
        self.box.layout.flex = "1 1 24em" if used else "0 1 auto"
        known = [value for _, value in self.turn.options]
        self.before.disabled = not used or self.turn.value == known[0]
        self.next.disabled = not used or self.turn.value == known[-1]
        turn = [t for t in run if t.number == self.turn.value]
        self.body.value = (view.overview(run).data if charts and used else "") + (
            view.show(turn).data if turn else ""
        )


def _turns(source: Source, count: Callable[[str], int] | None) -> list[Turn]:
    if isinstance(source, str | Path):
        source = Tape.read(source)
    given = source.records() if isinstance(source, Tape) else source
    made = [turn for turn in given if isinstance(turn, Turn)]
    return made or turns([record for record in given if not isinstance(record, Turn)], count)


def _name(run: list[Turn], source: Source) -> str:
    asked = run_name(run[0]) if run[0].runs > 1 else (run[0].run or {}).get("question") or "run"
    asked = asked if len(asked) <= 48 else asked[:47] + "…"
    path = source.path if isinstance(source, Tape) else None if isinstance(source, list) else Path(source)
    return f"{asked} ({path.name.partition('.')[0]})" if path else asked


def _distinct(names: list[str]) -> list[str]:
    """Names that occur more than once, numbered."""
    return [
        f"{name} · {names[: n + 1].count(name)}" if names.count(name) > 1 else name
        for n, name in enumerate(names)
    ]
