"""Connect smolagents to a server, with a tape in between; run a question and record it.

Builds the model (its HTTP goes through the tape) and the agents of the lessons, and writes to the tape what smolagents
did with each response, including those of managed agents. Never starts a server, changes a prompt, or patches smolagents
or openai.

    with Server() as server:
        done = recorded_run(server, LEOPARD, Tape())
        print(done.answer, done.turns[-1].tokens)

The same by hand, if you want to build the agent yourself:

        agent = code_agent(connect(server, tape))
        agent.run(LEOPARD)
"""

from course.agent.building import code_agent, record_agent, record_steps, tool_agent
from course.agent.forced import forced, spoken
from course.agent.model import OPENAI_SAMPLING, LoggingModel, ModelServer, connect
from course.agent.running import RecordedRun, record_run, recorded_run

__all__ = [
    "LEOPARD",
    "OPENAI_SAMPLING",
    "LoggingModel",
    "ModelServer",
    "RecordedRun",
    "code_agent",
    "connect",
    "forced",
    "record_agent",
    "record_run",
    "record_steps",
    "recorded_run",
    "spoken",
    "tool_agent",
]

LEOPARD = "How many seconds would it take for a leopard at full speed to run through Pont des Arts?"
