"""Keras model -> bundle: convert, quantize, prove, pack."""
