"""TensorBoard is told every figure of every epoch, and a disk that refuses is said to."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_kit.training.tensorboard import tensorboard_callback


@pytest.mark.usefixtures("tiny")
def test_tensorboard_is_told_every_figure_of_every_epoch(tmp_path: Path) -> None:
    import tensorflow as tf

    callback = tensorboard_callback(tmp_path / "new" / "tensorboard")
    assert not list(tmp_path.iterdir())  # nothing before the training begins
    callback.on_train_begin()
    for epoch in range(2):
        callback.on_epoch_end(epoch, {"loss": 0.5 / (epoch + 1), "val_auc": 0.25})
    callback.on_train_end()
    (log,) = (tmp_path / "new" / "tensorboard").iterdir()
    assert log.name.startswith("events.out.tfevents.")
    told = {}
    for record in tf.data.TFRecordDataset(str(log)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            assert value.metadata.plugin_data.plugin_name == "scalars"
            told[event.step, value.tag] = float(tf.make_ndarray(value.tensor))
    expected = {(1, "loss"): 0.5, (2, "loss"): 0.25, (1, "val_auc"): 0.25, (2, "val_auc"): 0.25}
    assert told == expected


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(
    ("raised", "problem"),
    [("ResourceExhaustedError", "No space left on device"), ("UnavailableError", "the stick")],
)
def test_a_disk_that_takes_no_log_is_an_error_of_the_disk(
    raised: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf

    def full(*_: object, **__: object) -> None:
        raise getattr(tf.errors, raised)(None, None, "the stick is gone")

    callback = tensorboard_callback(tmp_path / "tensorboard")
    callback.on_train_begin()
    monkeypatch.setattr("tensorflow.summary.write", full)
    with pytest.raises(OSError, match=problem):
        callback.on_epoch_end(0, {"loss": 0.5})
