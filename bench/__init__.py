"""The measurements behind docs/measurements.md, each a ratio of two things timed in one run on one machine:  make bench

`plan` lists them, one module each with a function `measure(setting) -> list[Row]`. `python -m bench` runs them and
keeps the results as data in bench/results/; `python -m bench.tables` writes the tables.
"""
