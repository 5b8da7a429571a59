"""Forbidden imports: a task that tempts to import what smolagents does not allow; the agent recovers, or says it cannot."""

import random
import statistics
from dataclasses import dataclass

from training.entities import word
from training.pages import Web
from training.tasks import Move, Task, code, states

FAMILY = "forbidden import"


@dataclass(frozen=True)
class Wish:
    """What cannot be done without a forbidden module: (questions, module, first line that uses it, what it is)."""

    questions: tuple[str, ...]
    module: str
    line: str
    what: str


CANNOT = {
    True: (
        Wish(("Which files are in the current folder?", "List the files of this directory.", "Show me the folder's files."),
             "os", 'print(os.listdir("."))', "list the files"),
        Wish(("In which folder does this program run?", "Print the current working directory."),
             "os", "print(os.getcwd())", "see the working directory"),
        Wish(("What is the environment variable {name} set to?", "Read the environment variable {name}."),
             "os", 'print(os.environ.get("{name}"))', "read the environment"),
        Wish(("Run the command {word} and show its output.", "Execute {word} in a shell."),
             "subprocess", 'print(subprocess.run(["{word}"], capture_output=True))', "run a command"),
        Wish(("Which Python version is this?", "What version of Python runs here?"),
             "sys", "print(sys.version)", "see the version of Python"),
        Wish(("Download http://{word}.example/ and print it.", "Fetch the page http://{word}.example/ with requests."),
             "requests", 'print(requests.get("http://{word}.example/").text)', "download a page"),
        Wish(("Delete the folder {word}.", "Remove the folder {word} and all in it."),
             "shutil", 'shutil.rmtree("{word}")', "delete a folder"),
    ),
    False: (
        Wish(("What is the name of this computer?", "Tell me the host name of the machine."),
             "socket", "print(socket.gethostname())", "see the name of the computer"),
        Wish(("How big is the file {word}.txt in bytes?", "Does a file {word}.txt exist here?"),
             "os", 'print(os.path.getsize("{word}.txt"))', "look at the file"),
        Wish(("Which user does this program belong to?", "Under which user name do you run?"),
             "getpass", "print(getpass.getuser())", "see the user name"),
        Wish(("What operating system is this?", "On which operating system do you run?"),
             "platform", "print(platform.system())", "see the operating system"),
        Wish(("Open a shell and run {word}.", "Start the program {word} for me."),
             "subprocess", 'print(subprocess.run(["{word}"]))', "start a program"),
    ),
}  # fmt: skip
CAN = {
    True: (
        ("Use numpy to compute the mean of {numbers}.", "numpy", "np.mean({list})", "statistics", "mean"),
        ("With numpy, what is the median of {numbers}?", "numpy", "np.median({list})", "statistics", "median"),
        ("Take the sum of {numbers} with numpy.", "numpy", "np.sum({list})", None, "sum"),
        ("Use pandas to find the mean of {numbers}.", "pandas", "pd.Series({list}).mean()", "statistics", "mean"),
        ("With pandas, what is the largest of {numbers}?", "pandas", "pd.Series({list}).max()", None, "max"),
    ),
    False: (
        ("Let numpy work out the average (the mean) of {numbers}.", "numpy", "np.mean({list})", "statistics", "mean"),
        ("I like pandas. Which median do {numbers} have?", "pandas", "pd.Series({list}).median()", "statistics", "median"),
        ("Add up {numbers} by means of numpy.", "numpy", "np.sum({list})", None, "sum"),
    ),
}  # fmt: skip
SHORT = {"numpy": "np", "pandas": "pd"}
COMPUTE = {"mean": statistics.mean, "median": statistics.median, "sum": sum, "max": max}


def draw(rng: random.Random, training: bool) -> Task:
    return _cannot(rng, training) if rng.random() < 0.6 else _can(rng, training)


def _cannot(rng: random.Random, training: bool) -> Task:
    wish = rng.choice(CANNOT[training])
    names = {"word": word(rng), "name": word(rng).upper()}

    def script(seen: list[str]) -> Move:
        if seen:
            return Move(
                f"The import of {wish.module} was refused: it is not on the list of allowed modules. Nothing on the list "
                f"can {wish.what}. I say so instead of guessing.",
                code(
                    "I cannot do this with the allowed modules, and I say so.",
                    f'final_answer("I cannot {wish.what}: the import of {wish.module} is not allowed here.")',
                ),
            )
        return Move(
            f"To {wish.what} I would use the module {wish.module}. I try it and look at what the code prints.",
            code(f"I try it with {wish.module}.", f"import {wish.module}", wish.line.format(**names)),
        )

    return Task(
        FAMILY,
        rng.choice(wish.questions).format(**names),
        script,
        lambda answer: "cannot" in answer and wish.module in answer,
        [Web([])],
        expected=f"cannot, {wish.module}",
    )


def _can(rng: random.Random, training: bool) -> Task:
    question, module, line, allowed, name = rng.choice(CAN[training])
    numbers = [rng.randint(1, 99) for _ in range(rng.randint(3, 6))]
    listed = "[" + ", ".join(map(str, numbers)) + "]"
    said = ", ".join(map(str, numbers[:-1])) + f" and {numbers[-1]}"

    def script(seen: list[str]) -> Move:
        if not seen:
            return Move(
                f"The task names {module}. I import it and compute the {name}.",
                code(f"I try it with {module}.", f"import {module} as {SHORT[module]}",
                     f"print({line.format(list=listed)})"),
            )  # fmt: skip
        if "not allowed" in seen[-1]:
            with_module = [f"from {allowed} import {name}"] if allowed else []
            return Move(
                f"The import of {module} was refused. The {name} needs no {module}: allowed Python can do it.",
                code(
                    "I compute it without the module.",
                    *with_module,
                    f"result = {name}({listed})",
                    "print(result)",
                ),
            )
        return Move(
            "The code printed the result. I answer with its variable.",
            code("I have the result.", f'final_answer(f"The {name} is {{round(result, 2)}}.")'),
        )

    expected = COMPUTE[name](numbers)
    return Task(
        FAMILY,
        question.format(numbers=said),
        script,
        lambda answer: states(answer, expected),
        [Web([])],
        expected=f"{round(expected, 2)}",
    )
