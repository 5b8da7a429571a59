"""Page layouts for training (TRAIN_*) and for measuring (HELD_OUT_*); none serves both.

The layouts of course/tools/corpus.py are trained on as well.
"""

from course.tools.corpus import Layout

TRAIN_SPEED = (
    Layout("wildpedia", "{Name}", "The {name} ({mass} kg) reaches {v} km/h when it flees."),
    Layout(
        "sprinters",
        "Top sprinters: {name}",
        "{v} km/h - that is how fast the {name} goes. In miles: {mph} mph.",
    ),
    Layout(
        "q-and-a",
        "Q: speed of the {name}?",
        "A: roughly {v} kilometers per hour, says our reader from {year}.",
    ),
    Layout("card-deck", "Animal card {rank}: {Name}", "Speed {v} km/h | Weight {mass} kg | Age {life} years"),
    Layout(
        "safari-blog",
        "Day {rank} on safari",
        "Our guide said a {name} can do {v} km/h. We saw {year_walks} of them.",
    ),
    Layout(
        "biology-notes",
        "Locomotion of the {name}",
        "Maximum running speed: {v} km/h (n = {year_walks}, {year}).",
    ),
    Layout(
        "kids-corner",
        "Zoom! The {name}",
        "Did you know? The {name} zooms at {v} km/h and gets {life} years old.",
    ),
    Layout(
        "museum",
        "Hall {rank}: the {name}",
        "{mph} mph ({v} km/h) is the record on this label, written in {year}.",
    ),
    Layout(
        "vet-notes",
        "{Name}: care sheet",
        "Adults of {mass} kg live {life} years. Fenced runs must allow for {v} km/h.",
    ),
    Layout(
        "race-day",
        "Who wins against the {name}?",
        "A person manages 30 km/h for moments; the {name} has {v} km/h.",
    ),
    Layout(
        "atlas",
        "Atlas of mammals and birds, {year}",
        "{Name}: found in {habitat}; speed to {v} km/h; {mass} kg.",
    ),
    Layout(
        "documentary",
        "Film: the life of the {name}",
        "{year_walks} minutes. A chase at {v} km/h is the high point.",
    ),
    Layout(
        "herd-count",
        "Counting the {name}",
        "{year_walks} adults of {mass} kg were counted in {year}.",
        states=False,
    ),
    Layout(
        "diet", "What does the {name} eat?", "With {mass} kg it needs food for {life} years.", states=False
    ),
    Layout("only-miles", "The {name} in miles", "American books print {mph} mph for it.", states=False),
)

TRAIN_LENGTH = (
    Layout("wikiplaces", "{Name}", "{Name} is a {kind} in {city}. It is {v} m long and dates from {year}."),
    Layout("engineers", "{Name}: key figures", "{v} m long | {ft} ft | in use since {year}"),
    Layout("travel-q", "Q: how long is {Name}?", "A: {v} meters, I measured it on the map in {year}."),
    Layout(
        "runners",
        "Running {Name}",
        "From end to end it is {v} m. I needed {year_walks} minutes with photographs.",
    ),
    Layout(
        "timetable",
        "Getting to {Name}",
        "Tram {rank} stops there. The {kind} of {v} m crosses to the other side.",
    ),
    Layout("tiles", "Tile {rank}: {city}", "{Name}, {year}, {v} m, {detail}."),
    Layout(
        "heritage",
        "Heritage list of {country}",
        "No. {rank}: {Name}, {kind}, {year}, total length {v} meters.",
    ),
    Layout(
        "old-books",
        "From a guide of {year}",
        "The traveler finds {Name}, {ft} feet or {v} meters from end to end.",
    ),
    Layout(
        "photo-tips",
        "Photographing {Name}",
        "Stand {year_walks} m back. All {v} m of it fit into one picture.",
    ),
    Layout("facts-box", "{Name} - box", "City: {city}. Year: {year}. Total length: {v} m."),
    Layout(
        "students",
        "My essay on {Name}",
        "It took {year_walks} years to plan. It measures {v} m and is famous for {detail}.",
    ),
    Layout("city-blog", "{city} in {rank} stops", "Stop {rank}: {Name}. Walk its {v} meters slowly."),
    Layout(
        "works", "Works at {Name}", "From {year} on, {year_walks} m of railing were painted.", states=False
    ),
    Layout("weather", "Wind at {Name}", "Gusts of {year_walks} km/h were measured in {year}.", states=False),
    Layout("only-feet", "{Name} in feet", "Local signs print {ft} feet for it.", states=False),
)

HELD_OUT_SPEED = (
    Layout(
        "nature-desk",
        "Profile: {name}",
        "Pursued, the {name} was measured doing {v} km/h; adults average {mass} kg.",
    ),
    Layout("speed-table", "Table of running speeds", "{Name} ..... {v} km/h ..... {mph} mph"),
    Layout(
        "gazette",
        "Gazette, {year}: a {name} on the road",
        "Police put its speed at {v} km/h. It is {life} years old.",
    ),
    Layout(
        "trivia", "Trivia no. {rank}", "Q. The {name} in a hurry? A. {v} km/h, or {mph} in miles per hour."
    ),
    Layout(
        "keepers",
        "Keeper's diary, day {rank}",
        "Fed at {year_walks} past nine. Our {name} can hit {v} km/h in the open.",
    ),
    Layout(
        "habitats",
        "Where the {name} lives",
        "Home: {habitat}. Speed on flat ground: {v} km/h. Mass: {mass} kg.",
    ),
    Layout(
        "tracks",
        "Tracks of the {name}",
        "Prints {year_walks} cm apart, {mass} kg, seen in {year}.",
        states=False,
    ),
)

HELD_OUT_LENGTH = (
    Layout("gazetteer", "Entry {rank}: {Name}", "{Kind}, {city} ({country}); {v} m; since {year}."),
    Layout("pacers", "Steps across {Name}", "{v} meters lie between the two ends, {ft} in feet."),
    Layout("tickets", "Tickets for {Name}", "Adults pay {rank}. The visit covers the full length of {v} m."),
    Layout(
        "survey",
        "Survey of {year}",
        "{Name}: measured length {v} m, condition good, {year_walks} bolts replaced.",
    ),
    Layout(
        "radio",
        "On air: {Name}",
        "Minute {year_walks}: the mayor praises the {kind} with its {v} m, opened {year}.",
    ),
    Layout("school-trip", "Class {rank} visits {city}", "We learned that {Name} stretches over {v} meters."),
    Layout("lamps", "The lamps of {Name}", "{year_walks} lamps, first lit in {year}.", states=False),
)
