"""From a file to what a graph sees: formats, DICOM, refusals, preprocessing."""
