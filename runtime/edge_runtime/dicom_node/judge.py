"""Images become answers, and answers objects that wait to be delivered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import time
from typing import TYPE_CHECKING

from PIL import Image

from edge_runtime.answer.occlusion import occlusion
from edge_runtime.audit_trail import AuditEntry
from edge_runtime.dicom_node.capture import capture
from edge_runtime.dicom_node.fhir import write_resources
from edge_runtime.dicom_node.queue import NewObject
from edge_runtime.dicom_node.report import report
from edge_runtime.dicom_node.source import Source
from edge_runtime.dicom_node.writing import CAPTURE, REPORT, JudgedImage
from edge_runtime.engines import EngineUnavailable
from edge_runtime.errors import CannotWrite, DataError, FilmError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge_runtime.answer.classifier import Classifier
    from edge_runtime.answer.classify import Answer
    from edge_runtime.dicom_node.folder import NodeFolder
    from edge_runtime.dicom_node.queue import WaitingImage
    from edge_runtime.dicom_node.settings import NodeSettings
    from edge_runtime.dicom_node.trail import NodeTrail

    Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ImageJudge:
    """What answers images, from any number of threads."""

    classifier: Classifier
    settings: NodeSettings
    folder: NodeFolder
    trail: NodeTrail
    say: Say
    now: Callable[[], float] = time

    def by(self, classifier: Classifier) -> ImageJudge:
        """Return one that answers by another model."""
        return replace(self, classifier=classifier)

    def answer(self, image: WaitingImage) -> str:
        """Answer an image: its objects wait then, its line is in the trail, and its file is gone.

        Return the status of the answer, or nothing where it has to be tried again.
        """
        try:
            return self._answer(image)
        except (CannotWrite, OSError) as error:  # a full disk; too many open files
            self.say(f"an image is answered later: {error}")
            self._later(image)
        return ""

    def _answer(self, image: WaitingImage) -> str:
        path, queue = self.folder.image(image.key), self.folder.queue
        try:
            with path.open("rb") as stream:
                source = Source.read(stream)
        except (FilmError, DataError, FileNotFoundError) as error:
            # It was read when it came: the disk has lost it.
            self.say(f"an image cannot be read any more, and has no answer: {error}")
            queue.answered(image.key, [], self.now())
            return "error"
        answer, film = self._classified(path)
        manifest = self.classifier.manifest
        judged = JudgedImage(
            source, image.key, answer, manifest, self.now(), self.settings.findings
        )
        objects = self._objects(judged, film)
        for kind, data in objects.items():
            self.folder.keep_object(judged.uid(kind), data)
        if self.settings.fhir:
            write_resources(self.settings.fhir, judged)
        engine, signers = self.classifier.engine, self.classifier.bundle.signers
        entry = replace(
            AuditEntry.of(answer, manifest.identity, engine, signers=signers),
            report=judged.uid(REPORT),
        )
        self.trail.record(
            entry, image.counter, lambda counter: queue.begin_image(image.key, counter)
        )
        new = [NewObject(judged.uid(kind), kind, entry.film, entry.bundle) for kind in objects]
        queue.answered(image.key, new, self.now())
        self.folder.forget(path)
        return answer.status

    def _classified(self, path: Path) -> tuple[Answer, Image.Image | None]:
        """Return the answer, and the film as the graph took it, where it came as far as that."""
        seen: list[bytes] = []
        answer = self.classifier.classify(str(path), digested=True, seen=seen.append)
        if not seen or answer.status != "ok":
            return answer, None
        recipe = self.classifier.manifest.preprocess
        mode = "L" if recipe.channels == 1 else "RGB"
        return answer, Image.frombytes(mode, (recipe.width, recipe.height), seen[-1])

    def _objects(self, judged: JudgedImage, film: Image.Image | None) -> dict[str, bytes]:
        objects = {REPORT: report(judged)}
        if film is not None and self.settings.capture:
            try:
                with self.classifier.borrowed() as engine:
                    heatmap = occlusion(film, engine)
            except EngineUnavailable as error:
                self.say(f"an answer has no heat map: {error}")
            else:
                objects[CAPTURE] = capture(judged, film, heatmap)
        return objects

    def _later(self, image: WaitingImage) -> None:
        try:
            self.folder.queue.image_failed(image, self.now())
        except CannotWrite:  # the disk is full: whoever takes the next image waits
            return
