"""`Calculator`: a tool for agents that write tool calls instead of code.

smolagents' own interpreter evaluates one arithmetic expression in Python, with a few functions on lists and a few units.
An expression cannot assign, import, loop, or access anything else.

    Calculator()("round(155 * m / (58 * km/h), 2)")    # "9.62"
"""

import ast
import statistics

from smolagents import Tool
from smolagents.local_python_executor import InterpreterError, evaluate_python_code

FUNCTIONS = {
    "abs": abs,
    "len": len,
    "max": max,
    "mean": statistics.mean,
    "median": statistics.median,
    "min": min,
    "mode": statistics.mode,
    "round": round,
    "sum": sum,
}
UNITS = {"m": 1, "km": 1000, "ft": 0.3048, "mi": 1609.344, "s": 1, "h": 3600, "mph": 1609.344 / 3600}
"""Each unit in meters and seconds, so that 58 * km/h is a speed and 155 * m / (58 * km/h) a time."""


class Calculator(Tool):
    """`calculator(expression)`: the value as text. Anything but an expression raises ValueError for the agent to read."""

    name = "calculator"
    description = (
        "Computes an arithmetic expression such as round(155 * m / (58 * km/h), 2), in meters and seconds. "
        f"It knows {', '.join(sorted(FUNCTIONS))} of numbers and lists, and the units {', '.join(UNITS)}."
    )
    inputs = {"expression": {"type": "string", "description": "The expression to compute."}}  # noqa: RUF012
    output_type = "string"

    def forward(self, expression: str) -> str:
        """Evaluate the expression."""
        try:
            ast.parse(expression.strip(), mode="eval")
            value, _ = evaluate_python_code(
                expression.strip(), static_tools=dict(FUNCTIONS), state=dict(UNITS)
            )
        except (SyntaxError, InterpreterError) as error:
            raise ValueError(f"{expression!r} is not an expression that can be computed: {error}") from None
        return str(value)
