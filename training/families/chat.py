"""Plain chat: short questions with short answers, with and without the think block.

Countries, sums and opposites are split by a hash; the course's own terms and greetings are split by phrasing.
"""

import random
from dataclasses import dataclass

from training.families.entities import held_out
from training.traces import END, UNOPENED, Body, Render, Sample

FAMILY = "plain chat"
UNTHINKING = 0.3
CAPITALS = (
    "France Paris, Italy Rome, Spain Madrid, Portugal Lisbon, Austria Vienna, Poland Warsaw, Greece Athens, Norway Oslo, "
    "Sweden Stockholm, Finland Helsinki, Japan Tokyo, Egypt Cairo, Kenya Nairobi, Peru Lima, Canada Ottawa, Cuba Havana, "
    "Germany Berlin, Russia Moscow, China Beijing, Ireland Dublin, Hungary Budapest, Denmark Copenhagen, Thailand Bangkok, "
    "Turkey Ankara, Australia Canberra, Argentina Buenos_Aires, Chile Santiago, Colombia Bogotá, India New_Delhi, "
    "Iran Tehran, Iraq Baghdad, Belgium Brussels, Bulgaria Sofia, Romania Bucharest, Serbia Belgrade, Ukraine Kyiv, "
    "Jordan Amman, Lebanon Beirut, Indonesia Jakarta, Vietnam Hanoi"
)
OPPOSITES = (
    "hot cold, big small, fast slow, up down, day night, open closed, hard soft, young old, wet dry, light dark, "
    "full empty, early late, high low, happy sad, long short, left right, loud quiet, rich poor, strong weak, clean dirty, "
    "near far, cheap expensive, easy difficult, thick thin, safe dangerous, first last"
)
THINGS = {
    "a server": "A server is a program that waits for requests and answers each of them.",
    "a token": "A token is a piece of text, often part of a word, that a language model reads or writes as one unit.",
    "a chat template": "A chat template turns a list of messages into the one text that the model reads.",
    "an agent": "An agent is a language model in a loop: it writes an action, a program runs it, "
    "and the result is its next input.",
    "a stop sequence": "A stop sequence is a text at which the server ends a completion.",
    "a prompt": "A prompt is the text that a model is asked to continue.",
}
ASK = {
    "capital": {
        True: ("What is the capital of {}?", "Name the capital of {}.", "Which city is the capital of {}?",
               "Capital of {}?",
               "{} has which capital?", "I forgot the capital of {}.", "What city governs {}?",
               "The capital of {}, please.",
               "Do you know the capital of {}?", "In which city is the government of {}?", "{}, capital?"),
        False: ("Tell me the capital city of {}.", "{}: what is its capital?"),
    },
    "sum": {
        True: ("What is {} plus {}?", "How much is {} + {}?", "Add {} and {}.", "{} plus {}?", "{} + {} =",
               "{} and {} is what?",
               "What comes out of {} + {}?", "Sum up {} and {}.", "Please add {} to {}.", "How many are {} and {}?",
               "What does {} + {} give?", "I have {} and get {} more. How many are that?"),
        False: ("What do {} and {} make together?", "Compute {} + {}."),
    },
    "opposite": {
        True: ("What is the opposite of {}?", "Name the opposite of {}.", "Opposite of {}?", "What is the contrary of {}?",
               "The opposite of {}, please.", "If it is not {}, what is it?", "Say the opposite of {}.", "Not {}, but?",
               "Which word is opposite to {}?", "Do you know the opposite of {}?"),
        False: ("Which word means the opposite of {}?", "Give me the opposite of {}."),
    },
    "thing": {
        True: ("What is {}?", "Explain {} in one sentence.", "In one sentence: what is {}?", "Define {}.", "{}?",
               "What does one call {}?", "Say what {} is.", "What do you understand by {}?", "Explain {} to a child.",
               "What exactly is {}?", "I do not know what {} is.", "Describe {} briefly."),
        False: ("Please tell me what {} is.", "How would you explain {}?"),
    },
    "greeting": {
        True: ("Hello!", "Hi there", "Good morning", "Say hello.", "Hey, are you there?", "Greet me in one sentence.",
               "Hey!",
               "Good afternoon!", "Hello, computer.", "hi", "hello", "Nice to meet you.", "Good day", "Hey there!",
               "Howdy"),
        False: ("Hi!", "Hello there.", "Good evening"),
    },
    "who": {
        True: ("Who are you?", "What are you?", "What model is this?", "Introduce yourself.", "What is your name?",
               "Are you human?",
               "Which language model are you?", "How big are you?", "Who is answering here?",
               "Say something about yourself.",
               "What kind of model are you?", "Do you have a name?", "What should I call you?", "Who am I talking with?"),
        False: ("Tell me who you are.", "Which model am I talking to?"),
    },
}  # fmt: skip


@dataclass(frozen=True)
class Exchange:
    """A question and the wanted answer. `telling` is what any right answer contains."""

    question: str
    thinking: str
    answer: str
    telling: str

    def right(self, said: str) -> bool:
        """Whether an answer is right and short enough to be to the point."""
        return self.telling.lower() in said.lower() and len(said) <= 2 * len(self.answer) + 40


def sample(rng: random.Random, render: Render) -> Sample:
    """One exchange to train on, sometimes with thinking switched off or left to the model to open."""
    one = draw(rng, True)
    body: Body = {"messages": [{"role": "user", "content": one.question}]}
    if rng.random() < UNTHINKING:
        body["chat_template_kwargs"] = {"enable_thinking": False}
        return Sample(render(body), one.answer + END)
    thought = Sample(render(body), f"{one.thinking}\n</think>\n\n{one.answer}{END}")
    return thought.unopened() if rng.random() < UNOPENED else thought


def draw(rng: random.Random, training: bool) -> Exchange:
    kind = rng.choice(list(ASK))
    ask = rng.choice(ASK[kind][training])
    if kind == "capital":
        country, city = _pair(rng, CAPITALS, training)
        said = f"The capital of {country} is {city}."
        return Exchange(ask.format(country), said, said, city)
    if kind == "sum":
        while held_out(f"{(a := rng.randint(1, 20))} + {(b := rng.randint(1, 20))}") is training:
            pass
        said = f"{a} plus {b} is {a + b}."
        return Exchange(ask.format(a, b), said, said, f"is {a + b}")
    if kind == "opposite":
        word, other = _pair(rng, OPPOSITES, training)
        said = f"The opposite of {word} is {other}."
        return Exchange(ask.format(word), said, said, other)
    if kind == "thing":
        thing = rng.choice(list(THINGS))
        thinking = f"The question is what {thing} is. One sentence is enough."
        return Exchange(ask.format(thing), thinking, THINGS[thing], THINGS[thing][:30])
    if kind == "greeting":
        thinking = "This is a greeting. A short greeting back is fine."
        return Exchange(ask, thinking, "Hello! How can I help you?", "Hello!")
    thinking = "The question is about me. I am the small model of this course."
    said = "I am the embedded model of this course: 135 million parameters, trained for its lessons and little else."
    return Exchange(ask, thinking, said, "embedded model")


def _pair(rng: random.Random, table: str, training: bool) -> tuple[str, str]:
    pairs = [tuple(pair.split()) for pair in table.split(",")]
    one, other = rng.choice([pair for pair in pairs if held_out(pair[0]) is not training])
    return one, other.replace("_", " ")
