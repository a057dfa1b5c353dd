"""A node as a whole: it listens, answers and delivers until it is told to stop."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Condition, Event
from time import time
from typing import TYPE_CHECKING

from edge_runtime.dicom_node.folder import NodeFolder
from edge_runtime.dicom_node.judge import ImageJudge
from edge_runtime.dicom_node.receive import Receiver
from edge_runtime.dicom_node.send import Sender
from edge_runtime.dicom_node.tls import client_context
from edge_runtime.dicom_node.trail import NodeTrail
from edge_runtime.errors import CannotWrite

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from edge_runtime.answer.in_use import ModelInUse
    from edge_runtime.dicom_node.queue import WaitingImage
    from edge_runtime.dicom_node.settings import NodeSettings

_LOOK = 1.0
"""Seconds after which the queue is looked at, whether anything came or not."""
# Both quote what they stumble over, which may be a name.
for _name in ("pydicom", "pynetdicom"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


class Node:
    """A node that is open; `counts` has how many images were answered, by status."""

    def __init__(
        self,
        settings: NodeSettings,
        model: ModelInUse,
        say: Callable[[str], None],
        *,
        workers: int = 1,
        now: Callable[[], float] = time,
    ) -> None:
        """Open folder and trail, and listen.

        Raises:
            UsageError: another node has the folder, or a file of TLS cannot be used.
            CannotWrite: the disk does not let us, or the port is taken.
        """
        self.counts = dict.fromkeys(("ok", "refused", "error"), 0)
        self.delivered = 0
        self._say, self._now, self._workers = say, now, workers
        self._changed, self._stop = Condition(), Event()
        self._taken: set[str] = set()
        with ExitStack() as stack:
            self.folder = NodeFolder(settings.folder)
            stack.callback(self.folder.close)
            trail = NodeTrail(settings.audit)
            stack.callback(trail.close)
            parts = (self.folder, trail, say, now)
            if settings.destination.tls and settings.tls:
                client_context(settings.tls)  # now, and not when the first answer is there
            self._model = model
            model.changed = trail.record_model
            self._judge = ImageJudge(model.current, settings, *parts)
            self.sender = Sender(settings, *parts, self._stop.is_set)
            self._receiver = Receiver(
                *(settings, self.folder, lambda: model.current.bundle.identity),
                say=say, arrived=self._wake, now=now,
            )  # fmt: skip
            self._receiver.start()
            stack.callback(self._receiver.stop)
            self._open = stack.pop_all()

    def run(self) -> None:
        """Answer and deliver until told to stop.

        Raises:
            IntegrityError: the audit trail was changed, so that nothing may be answered.
        """
        work = [self._answer_images] * self._workers + [self._deliver_objects]
        with ThreadPoolExecutor(len(work)) as threads:
            ends = [threads.submit(each) for each in work]
            for end in ends:  # where one ends, so does the node, and takes no more
                end.add_done_callback(lambda _: self.stop())
            try:
                while not self._stop.wait(_LOOK):  # a signal is seen between two waits
                    pass
            finally:
                self.stop()
        for end in ends:
            end.result()

    def stop(self) -> None:
        """Let `run` return once the images that are being judged have their answers."""
        self._stop.set()

    def close(self) -> None:
        """Listen no more, and let another node have the folder."""
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __str__(self) -> str:
        images, objects = self.folder.queue.count()
        counts = self.counts
        return (
            f"{counts['ok']} images answered, {counts['refused']} refused, {counts['error']} not "
            f"read; {self.delivered} objects delivered; {images} images and {objects} objects wait"
        )

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _wait(self) -> None:
        if not self._stop.is_set():
            with self._changed:
                self._changed.wait(_LOOK)

    def _answer_images(self) -> None:
        while not self._stop.is_set():
            image = self._take()
            if image is None:
                self._wait()
                continue
            try:
                with self._model.lease() as classifier:
                    status = self._judge.by(classifier).answer(image)
            finally:
                with self._changed:
                    self._taken.discard(image.key)
            if status:
                with self._changed:
                    self.counts[status] += 1
                    self._changed.notify_all()
            else:
                self._wait()  # a full disk is not asked again at once

    def _take(self) -> WaitingImage | None:
        """Return an image that is due and that no other thread has."""
        with self._changed:
            try:
                waiting = self.folder.queue.images(self._now(), len(self._taken) + 1)
            except CannotWrite as error:
                self._say(str(error))
                return None
            for image in waiting:
                if image.key not in self._taken:
                    self._taken.add(image.key)
                    return image
            return None

    def _deliver_objects(self) -> None:
        while not self._stop.is_set():
            try:
                number = self.sender.deliver()
            except CannotWrite as error:
                self._say(f"deliveries wait: {error}")
                number = 0
            self.delivered += number
            if not number:
                self._wait()
