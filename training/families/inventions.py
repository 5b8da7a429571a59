"""Facts invented for training: so many that a question can only be matched to a line by reading both.

With fifty fixed facts, a model learned the pairs by heart and said No to lines that answered in words it had not
seen. None of the words that are characteristic of the held-out facts is here; the forms of the sentences are alike.
"""

import random
import re

from course.tools.corpus import capital
from training.families.archives import Fact
from training.families.entities import PLAIN

NOUNS = re.findall(r"\w+", (
    "case class code color crew depot district edition engine file floor gate group grade house lane league level lot "
    "model offer order page part permit plate platform policy port prize queue rank region rule sector series size "
    "stage stock store street switch table team tent track unit vault version visa volume ward wing zone"
))  # fmt: skip
ROLES = re.findall(r"\w+", (
    "advisor agent analyst architect assistant auditor baker banker buyer captain caretaker clerk coach cook counsel "
    "curator designer director doctor driver editor engineer expert farmer founder guard guide judge lawyer librarian "
    "mechanic member nurse operator painter partner patron pilot planner president printer producer sailor secretary "
    "singer speaker sponsor student surveyor technician trainer translator treasurer tutor visitor volunteer watchman "
    "witness"
))  # fmt: skip
AMOUNTS = re.findall(r"\w+", (
    "bonus capacity credit debt deposit fine grant height income insurance interest limit load loan loss margin "
    "payment penalty pension pressure profit rebate refund reserve reward score share speed stake subsidy surplus tax "
    "tip toll turnover volume wage weight width yield"
))  # fmt: skip
ACTS = re.findall(r"(\w+) (\w+)", (
    "shipment shipped, removal removed, renewal renewed, approval approved, installation installed, election elected, "
    "adoption adopted, translation translated, completion completed, correction corrected, selection selected, "
    "production produced, rejection rejected, expansion expanded, exhibition exhibited, treatment treated, "
    "replacement replaced, assignment assigned, printing printed, cleaning cleaned, painting painted, testing tested, "
    "sealing sealed, loading loaded, signing signed, cutting cut, mailing mailed, closing closed, packing packed, "
    "measurement measured, adjustment adjusted, reservation reserved, rotation rotated, valuation valued, washing washed, "
    "registration registered, cancellation cancelled, decoration decorated, examination examined, demolition demolished"
))  # fmt: skip
OWNERS = re.findall(r"\w+", (
    "app bell boat bridge bus camera ceremony clock concert course crane door festival fountain garden hall lamp "
    "lecture letter lift machine medal meeting menu movie oven parcel parts photo piano plan play poster prize pump "
    "report robot satellite saw school sculpture shop song stamp statue ticket tower train truck vase voucher wall "
    "watch window"
))  # fmt: skip


def invented(rng: random.Random) -> Fact:
    """A fact that no real file states."""
    return rng.choice((_number, _date, _person, _amount))(rng)


def _number(rng: random.Random) -> Fact:
    """A number of a person, named by two words that the line and the question share."""
    what = f"{rng.choice(NOUNS + PLAIN)} {rng.choice(('number', 'number', 'code', 'mark'))}"
    return Fact("number", (f"{what} of {{who}}",), (
        f"{{who}} has {what} {{n}}.", f"{{who}} was given {what} {{n}}.", f"For {{who}} the {what} is {{n}}.",
        f"{what.capitalize()} {{n}} belongs to {{who}}.", f"The {what} of {{who}} is {{n}}.",
        f"{{who}} still has the {what} {{n}}.", f"{{who}} asked for {what} {{n}}.",
    ))  # fmt: skip


def _date(rng: random.Random) -> Fact:
    act, done = rng.choice(ACTS)
    owner = f"the {{thing}} {rng.choice(OWNERS)}"
    return Fact("date", (f"{act} date of {owner}",), (
        f"{capital(owner)} was {done} on {{date}}.", f"{capital(owner)} will be {done} on {{date}}.",
        f"On {{date}} {owner} is {done}.", f"{{date}}: {act} of {owner}.", f"The {act} of {owner} is on {{date}}.",
    ))  # fmt: skip


def _person(rng: random.Random) -> Fact:
    role, joined = rng.choice(ROLES), rng.choice(("of", "for"))
    owner = rng.choice(("project {thing}", f"the {{thing}} {rng.choice(OWNERS)}"))
    return Fact("who", (f"{role} {joined} {owner}",), (
        f"{{who}} is the {role} {joined} {owner}.", f"In {owner} the {role} is {{who}}.",
        f"{capital(owner)} has {{who}} as its {role}.", f"{{who}}, the {role} {joined} {owner}, is back.",
        f"Since May, {{who}} has been the {role} {joined} {owner}.", f"{role.capitalize()} of {{thing}}: {{who}}.",
    ))  # fmt: skip


def _amount(rng: random.Random) -> Fact:
    what, owner = rng.choice(AMOUNTS), f"the {{thing}} {rng.choice(OWNERS)}"
    return Fact("number", (f"{what} of {owner}",), (
        f"{capital(owner)} has a {what} of {{n}}.", f"The {what} of {owner} is {{n}}.",
        f"For {owner} the {what} was {{n}}.",
        f"{{n}} is the {what} of {owner}.", f"We put the {what} of {owner} at {{n}}.",
    ))  # fmt: skip
