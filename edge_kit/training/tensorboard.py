"""A training's figures by epoch, for TensorBoard."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def tensorboard_callback(folder: Path) -> keras.callbacks.Callback:
    """Return a Keras callback that writes every epoch's figures to `folder`, for TensorBoard.

    Keras's own needs the package tensorboard, which no longer comes with TensorFlow, to write; with
    this one, only whoever looks at the figures needs it. The folder is made as training begins.
    """
    import keras
    import tensorflow as tf

    @contextmanager
    def on_disk() -> Iterator[None]:
        try:
            yield
        except tf.errors.ResourceExhaustedError as error:  # TensorFlow's word for a full disk, too
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        except tf.errors.OpError as error:
            raise OSError(errno.EIO, error.message) from error

    plugin = tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars")
    metadata = tf.compat.v1.SummaryMetadata(plugin_data=plugin)

    class TensorBoardLog(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
        def on_train_begin(self, *_: object) -> None:
            with on_disk():
                self._writer = tf.summary.create_file_writer(str(folder))

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            with on_disk():
                with self._writer.as_default(step=epoch + 1):
                    for name, value in (logs or {}).items():
                        tf.summary.write(name, tf.constant(value, tf.float32), metadata=metadata)
                self._writer.flush()

        def on_train_end(self, *_: object) -> None:
            with on_disk():
                self._writer.close()

    return TensorBoardLog()
