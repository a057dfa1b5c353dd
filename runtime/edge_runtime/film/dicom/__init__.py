"""DICOM films: `read` is the way in."""
