"""Load test of a workshop, with real learners' kernels behind a real hub, and all agents at one llama-server.

Each learner has a server of their own behind the hub, a kernel in it and an API key, and executes the cells of a lesson's
agent run over the Jupyter API. `matrix` plans the runs, `seat` is one learner, `room` is the hub and the model's server,
`load` runs one cell of the matrix, `figures` computes, and `sizing` writes the guide's tables.

    python -m bench.workshop --learners 1,5 --minutes 8
"""

from bench.rows import NotMeasured, Row
from bench.setting import Setting


def measure(setting: Setting) -> list[Row]:
    """Not part of `python -m bench`: it needs a hub, and has a program of its own."""
    raise NotMeasured("python -m bench.workshop adds this")
