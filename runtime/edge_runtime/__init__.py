"""Classify films on clinic hardware, from one bundle file.

Importing this package loads nothing else.
"""
