"""The commands, each with the line that says what it is for, its options, and what it does.

A module here is loaded for every command line, so what is heavy is imported in `run`.
"""
