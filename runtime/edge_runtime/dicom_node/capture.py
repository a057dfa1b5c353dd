"""The heat map of an answer as a Secondary Capture, with the film beside it and the words on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.sequence import Sequence
from pydicom.uid import SecondaryCaptureImageStorage

from edge_runtime.answer.figure import draw_figure
from edge_runtime.dicom_node.content import Code, reference
from edge_runtime.dicom_node.writing import CAPTURE, NOTICE, JudgedImage, begun_object, file_of

if TYPE_CHECKING:
    from PIL import Image

    from edge_runtime.answer.occlusion import Heatmap

_PURPOSE = Code("121322", "DCM", "Source image for image processing operation")


def capture(judged: JudgedImage, film: Image.Image, heatmap: Heatmap) -> bytes:
    """Return the capture as a file; `film` is as the graph took it.

    Its pixels are colours as they are shown: no window, no rescale and no overlay of the image's.
    """
    manifest = judged.manifest
    figure = draw_figure(
        film, heatmap, judged.answer,
        manifest=manifest, decision=manifest.decision, size=judged.source.size,
    ).convert("RGB")  # fmt: skip
    target = begun_object(judged, CAPTURE, SecondaryCaptureImageStorage, "OT")
    target.ImageType = ["DERIVED", "SECONDARY"]
    target.ConversionType = "WSD"
    target.Laterality = ""
    target.PatientOrientation = ""
    target.DateOfSecondaryCapture, target.TimeOfSecondaryCapture = (
        target.ContentDate, target.ContentTime,
    )  # fmt: skip
    target.DerivationDescription = f"What the answer of {judged.model} depends on. {NOTICE}."
    source = reference(judged.source)
    source.PurposeOfReferenceCodeSequence = Sequence([_PURPOSE.dataset()])
    target.SourceImageSequence = Sequence([source])
    if judged.source.is_lossy:
        target.LossyImageCompression = "01"
    target.SamplesPerPixel, target.PhotometricInterpretation = 3, "RGB"
    target.PlanarConfiguration, target.PixelRepresentation = 0, 0
    target.Columns, target.Rows = figure.size
    target.BitsAllocated = target.BitsStored = 8
    target.HighBit = 7
    data = figure.tobytes()
    target.PixelData = data + b"\0" * (len(data) % 2)
    target["PixelData"].VR = "OB"
    return file_of(target)
