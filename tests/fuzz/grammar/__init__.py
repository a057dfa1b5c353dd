"""Files written by the grammar of their format, with numbers that no writer of films would choose.

Each module has the parts of one format, and `file(chance)`, which puts some together: right in
their check sums and lengths, so that a reader goes on to what they cost.
"""
