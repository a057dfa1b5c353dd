"""Keras model -> bundle: convert, quantize, prove, pack."""

from edge_export.semaphores import tell_joblib

tell_joblib()  # before any module imports scikit-learn
