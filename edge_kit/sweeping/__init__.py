"""Sweeps: networks, folds, seeds, recipes and calibration methods, tried and put in one table.

A training is one network, fold and seed, in a process of its own; its trials are that training
quantized by each recipe and calibration method. What a trial found is one record, there whole or
not at all. The front is over configurations (network, recipe, calibration method), whose figures
are means over folds and seeds. No trial sees a test film.
"""
