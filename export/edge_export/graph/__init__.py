"""Keras model -> clean float graphs."""
