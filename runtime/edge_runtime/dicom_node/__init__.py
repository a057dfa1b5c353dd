"""A DICOM node: images that a hospital sends are answered, and answers go back into their studies.

It needs pydicom and pynetdicom (`edge-runtime[dicom-node]`). `node.Node` puts the parts together:
`receive` takes images, `judge` answers them, `send` delivers what `report` and `capture` wrote;
`queue` remembers what is left to do.
"""
