"""Films in a bucket are answered as those on a disk, with an S3 server on loopback."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from archives import Archive, environment, lasting, rows_of, run_score

SERVER = """\
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""
UPLOAD = """\
import sys, s3fs
from pathlib import Path
system = s3fs.S3FileSystem()
system.mkdir("films-of-two-sites")
root = Path(sys.argv[1])
for path in root.rglob("*.png"):
    system.pipe(f"s3://films-of-two-sites/{path.relative_to(root)}", path.read_bytes())
system.pipe("s3://films-of-two-sites/readme.txt", b"of no film")
"""


@pytest.fixture
def bucket(archive: Archive) -> Iterator[dict[str, str]]:
    """The environment in which s3:// leads to a server of our own, with the archive's films."""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", SERVER],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout
        port = next(line.strip() for line in server.stdout if line.strip().isdecimal())
        env = environment(
            AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
            AWS_ACCESS_KEY_ID="a",
            AWS_SECRET_ACCESS_KEY="b",  # noqa: S106, the server takes any
            AWS_DEFAULT_REGION="us-east-1",
        )
        script = [sys.executable, "-W", "ignore", "-c", UPLOAD, str(archive.folder)]
        subprocess.run(script, env=env, check=True)
        yield env
        server.terminate()


def test_a_bucket_gives_the_rows_of_the_folder_that_it_was_filled_from(
    archive: Archive, bucket: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = run_score(
        *("s3://films-of-two-sites", "--bundle", archive.bundle, "--out", out, "--part", 5),
        env=bucket,
    )
    assert done.returncode == 0, done.stderr
    assert "passed over in folders: 1 text file" in done.stderr
    rows, expected = lasting(rows_of(out)), lasting(rows_of(archive.out))
    for row, known in zip(rows, expected, strict=True):
        assert row.pop("file") == known.pop("file").replace(
            str(archive.folder), "s3://films-of-two-sites"
        )
        row["place"] = known["place"]
    assert rows == expected


def test_an_object_that_is_not_there_is_a_row_and_a_bucket_that_is_not_is_a_line(
    archive: Archive, bucket: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "list.txt").write_text("s3://films-of-two-sites/none.png\n")
    done = run_score(
        *(tmp_path / "list.txt", "--bundle", archive.bundle, "--out", tmp_path / "out"), env=bucket
    )
    assert done.returncode == 0, done.stderr
    assert [row["status"] for row in rows_of(tmp_path / "out")] == ["error"]
    done = run_score(
        *("s3://no-such-bucket", "--bundle", archive.bundle, "--out", tmp_path / "odd"), env=bucket
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
