"""A Ray cluster gives the rows that processes give, with a token, and leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from archives import Archive, lasting, rows_of, run_score


def test_ray_gives_the_rows_of_processes_and_leaves_no_folder(
    archive: Archive, tmp_path: Path
) -> None:
    before = set(Path("/tmp").glob("edge-ray-*"))  # noqa: S108
    out = tmp_path / "out"
    done = run_score(
        *(archive.folder, "--bundle", archive.bundle, "--out", out, "--part", 5),
        *("--ray", "--workers", 2),
    )
    assert done.returncode == 0, done.stderr
    assert lasting(rows_of(out)) == lasting(rows_of(archive.out))
    assert set(Path("/tmp").glob("edge-ray-*")) <= before  # noqa: S108


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
