"""A Ray cluster gives the rows that processes give, with a token, and leaves nothing behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from archives import (
    Archive,
    command,
    draw_archive,
    environment,
    lasting,
    rows_of,
    run_score,
)
from edge_kit.files import try_lock
from edge_kit.scoring.ray_folder import RayFolder, processes_of


def test_ray_gives_the_rows_of_processes_and_leaves_no_folder(
    archive: Archive, tmp_path: Path
) -> None:
    before = ray_folders()
    out = tmp_path / "out"
    done = run_score(
        *(archive.folder, "--bundle", archive.bundle, "--out", out, "--part", 5),
        *("--ray", "--workers", 2),
    )
    assert done.returncode == 0, done.stderr
    assert lasting(rows_of(out)) == lasting(rows_of(archive.out))
    assert ray_folders() <= before


def test_after_a_killed_driver_each_film_is_there_once_and_nothing_of_it_stays(
    archive: Archive, tmp_path: Path
) -> None:
    draw_archive(tmp_path / "films", 60)
    out, before = tmp_path / "out", ray_folders()
    order = tmp_path / "films", "--bundle", archive.bundle, "--out", out
    ways = "--part", 5, "--ray", "--workers", 2
    driver = subprocess.Popen(command(*order, *ways), env=environment(), stderr=subprocess.DEVNULL)
    journal = out / "journal.jsonl"
    while not journal.exists() or len(journal.read_bytes().splitlines()) < 3:
        assert driver.poll() is None
        time.sleep(0.02)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    (left,) = ray_folders() - before
    done = run_score(*order, *ways, "--resume")
    assert done.returncode == 0, done.stderr
    rows = rows_of(out)
    assert [row["file"] for row in rows] == sorted({row["file"] for row in rows})
    assert len(rows) == 60
    plain = run_score(tmp_path / "films", "--bundle", archive.bundle, "--out", tmp_path / "plain")
    assert plain.returncode == 0, plain.stderr
    assert lasting(rows) == lasting(rows_of(tmp_path / "plain"))
    until = time.monotonic() + 300
    while processes_of(left) and time.monotonic() < until:  # they see by and by that it is gone
        time.sleep(0.2)
    assert not processes_of(left)
    RayFolder().remove()
    assert not ray_folders() - before


def ray_folders() -> set[Path]:
    """Return the folders of clusters that were started here, but for those of living drivers."""
    return {folder for folder in Path("/tmp").glob("edge-ray-*") if not is_held(folder)}  # noqa: S108


def is_held(folder: Path) -> bool:
    """Tell whether a driver lives whose folder it is; other tests may have some."""
    try:
        with (folder / "driver.lock").open("r+b") as lock:
            return not try_lock(lock)
    except OSError:
        return False


def test_a_folder_that_is_written_to_while_it_goes_is_removed_by_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, folder = ray_folders(), RayFolder()
    (folder.path / "r").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr("edge_kit.scoring.ray_folder.shutil.rmtree", lambda *_, **__: None)
        folder.remove()
    assert ray_folders() - before == {folder.path}
    RayFolder().remove()
    assert not ray_folders() - before


def test_a_folder_of_a_driver_that_lives_or_of_somebody_else_stays() -> None:
    before, alive = ray_folders(), RayFolder()
    strange = Path(tempfile.mkdtemp(prefix="edge-ray-", dir="/tmp"))
    try:
        script = "from edge_kit.scoring.ray_folder import RayFolder; RayFolder().remove()"
        subprocess.run([sys.executable, "-c", script], check=True)
        assert alive.path.exists()
        assert strange.exists()
    finally:
        alive.remove()
        strange.rmdir()
    assert not ray_folders() - before


def test_nothing_of_ray_or_of_parquet_is_loaded_unless_it_is_asked_for() -> None:
    script = (
        # scikit-learn loads pandas where it is, and pandas pyarrow: nothing of ours may.
        "import sys; sys.modules.update(dict.fromkeys(('pandas', 'pyarrow')))\n"
        "import edge_kit.cli; edge_kit.cli.parser()\n"
        "import edge_kit.scoring.score, edge_kit.scoring.merge, edge_kit.scoring.worker\n"
        "assert not {'ray', 'fsspec', 's3fs'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_cluster_asks_for_a_token_and_tells_nobody_of_its_use() -> None:
    script = (
        "import os\n"
        "for name in list(os.environ):\n"
        "    name.startswith('RAY_') and os.environ.pop(name)\n"
        "from edge_kit.scoring.ray_session import secure\n"
        "os.environ['HOME'] = '/nonexistent'; secure()\n"
        "assert os.environ['RAY_AUTH_MODE'] == 'token'\n"
        "assert len(os.environ['RAY_AUTH_TOKEN']) == 64\n"
        "import ray._common.usage.usage_lib as usage\n"
        "assert not usage.usage_stats_enabled()"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=True)
