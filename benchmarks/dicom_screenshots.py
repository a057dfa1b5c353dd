"""Pictures of what comes back into a study, as Orthanc's own explorer shows it: of a drawn film.

    PYTHONPATH=tests/support:benchmarks python benchmarks/dicom_screenshots.py docs/pictures

Needs Debian's `orthanc` and `chromium`. All of it is on loopback.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from screenshots import browse, save, without_empty_end

from dicom_nodes import device_image
from dicom_peers import Orthanc, free_port, running, settings, until
from edge_export.films.phantom_set import write_phantoms

SHIPPED = Path("models/model3-xray-0.2.2.edge").resolve()
WAIT = 15_000  # milliseconds in which the explorer has filled its page
HEIGHTS = {"dicom-study": 720, "dicom-report": 1240, "dicom-capture": 1185}


def main() -> None:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pictures", type=Path)
    pictures: Path = parser.parse_args().pictures
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        write_phantoms(folder / "films", count=8, seed=0, size=(512, 512))
        film = next(iter(sorted((folder / "films" / "covid").glob("*.png"))))
        image = device_image(1, levels=np.asarray(Image.open(film).convert("L")))
        (place := folder / "orthanc").mkdir()
        with Orthanc(place, port).running() as archive:
            told = settings(folder, archive.dicom, port=port)
            with running(told, SHIPPED) as (node, _):
                sent = archive.json("/instances", image)["ID"]
                archive.json("/modalities/edgekit/store", sent.encode())
                until(lambda: node.delivered == 2, "report and capture")
            shoot(archive, folder, pictures)


def shoot(archive: Orthanc, folder: Path, pictures: Path) -> None:
    """Take a picture of the study's page, of the report's and of the capture."""
    (study,) = archive.json("/studies")
    kinds = {one["MainDicomTags"]["Modality"]: one["Instances"][0]
             for one in archive.json("/series?expand")}  # fmt: skip
    base = f"http://127.0.0.1:{archive.http}"
    pages = {
        "dicom-study": f"{base}/app/explorer.html#study?uuid={study}",
        "dicom-report": f"{base}/app/explorer.html#instance?uuid={kinds['SR']}",
        "dicom-capture": f"{base}/instances/{kinds['OT']}/preview",
    }
    for name, address in pages.items():
        shot = folder / f"{name}.png"
        options = [f"--screenshot={shot}", f"--window-size=1180,{HEIGHTS[name]}"]
        options += ["--hide-scrollbars", f"--virtual-time-budget={WAIT}"]
        browse(folder, *options, address)
        save(without_empty_end(Image.open(shot).convert("RGB")), pictures / f"{name}.png")


if __name__ == "__main__":
    main()
