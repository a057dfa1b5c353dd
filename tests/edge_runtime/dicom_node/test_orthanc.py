"""Orthanc sends an image and gets report and capture back into the same study, and shows both.

Orthanc and the tools of dcmtk are programs that others wrote: what they take, a hospital's do too.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dicom_nodes import STUDY, debian, device_image
from dicom_peers import Orthanc, free_port, running, settings, until
from edge_runtime.dicom_node.node import Node
from edge_runtime.dicom_node.settings import Destination

BLANK = np.full((80, 96), 7, np.uint8)


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Orthanc, int]]:
    port = free_port()
    with Orthanc(tmp_path_factory.mktemp("orthanc"), port).running() as archive:
        yield archive, port


@pytest.fixture(scope="module")
def node(
    orthanc: tuple[Orthanc, int], tiny: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Node, list[str]]]:
    archive, port = orthanc
    told = settings(tmp_path_factory.mktemp("node"), archive.dicom, port=port)
    with running(told, tiny) as opened:
        yield opened


def test_report_and_capture_come_back_into_the_study(
    orthanc: tuple[Orthanc, int], node: tuple[Node, list[str]]
) -> None:
    archive, _ = orthanc
    for number, levels in enumerate((None, BLANK), start=1):
        image = archive.json("/instances", device_image(number, levels=levels))["ID"]
        archive.json("/modalities/edgekit/store", image.encode())
    until(lambda: node[0].delivered == 3, "an answer with its capture, and a refusal")
    (study,) = archive.json("/studies?expand")
    assert study["MainDicomTags"]["StudyInstanceUID"] == STUDY
    kinds = {one["MainDicomTags"]["Modality"]: one for one in archive.json("/series?expand")}
    assert set(kinds) == {"CR", "SR", "OT"}
    assert len(kinds["SR"]["Instances"]) == 2 and len(kinds["OT"]["Instances"]) == 1
    png = archive.ask(f"/instances/{kinds['OT']['Instances'][0]}/preview")
    shown = np.asarray(Image.open(BytesIO(png)))
    assert shown.ndim == 3 and shown.max() > 200 and shown.std() > 20
    root = node[0].folder.root
    until(lambda: not [*root.glob("*/*.dcm")], "a disk without what was answered and delivered")


@pytest.mark.parametrize("program", ["echoscu", "storescu"])
def test_the_tools_of_dcmtk_are_answered(
    program: str, node: tuple[Node, list[str]], orthanc: tuple[Orthanc, int], tmp_path: Path
) -> None:
    path = debian(program, "dcmtk")
    line = [path, "-aet", "DEVICE", "-aec", "EDGEKIT", "127.0.0.1", str(orthanc[1])]
    before = node[0].delivered
    if program == "storescu":
        (tmp_path / "image.dcm").write_bytes(device_image(9))
        line.append(str(tmp_path / "image.dcm"))
    subprocess.run(line, check=True, capture_output=True)
    if program == "storescu":
        until(lambda: node[0].delivered == before + 2, "report and capture")
    stranger = subprocess.run(
        [*line[:2], "STRANGER", *line[3:]], capture_output=True, text=True, check=False
    )
    assert stranger.returncode != 0
    assert any("STRANGER" in said and "refused" in said for said in node[1])


def test_storescp_of_dcmtk_takes_the_answers(tiny: Path, tmp_path: Path) -> None:
    path = debian("storescp", "dcmtk")
    port, taken = free_port(), tmp_path / "taken"
    taken.mkdir()
    told = settings(tmp_path, port, destination=Destination("STORESCP", "127.0.0.1", port))
    with subprocess.Popen([path, "-od", str(taken), str(port)]) as archive:
        try:
            with running(told, tiny) as (opened, _):
                from dicom_peers import send

                assert send(told.port, device_image()) == [0]
                until(lambda: opened.delivered == 2, "report and capture")
        finally:
            archive.terminate()
    assert len([*taken.iterdir()]) == 2
