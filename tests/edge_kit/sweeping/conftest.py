"""A sweep of two networks that was killed and went on on a cluster, once."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest

from sweeps import Done, command, environment, lay_out, run_sweep


@pytest.fixture(scope="session")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("sweep")
    plan, out, env = lay_out(folder), folder / "out", environment(RAY_worker_niceness="0")
    # One after the other, so that early stopping sees them in one order.
    words = plan, "--out", out, "--workers", 1
    process = subprocess.Popen(command(*words), stderr=subprocess.DEVNULL, env=env)
    deadline = time.monotonic() + 300
    while not list(out.glob("trials/*.json")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    models = {path: path.stat().st_mtime_ns for path in out.glob("runs/*/model.keras")}
    assert models
    done = run_sweep(*words, "--resume", "--ray", env=env)
    assert done.returncode == 0, done.stderr
    return Done(plan, out, done.stdout, done.stderr, models)
