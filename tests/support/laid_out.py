"""Published sets of films as they are unpacked, of generated films; by `docs/layouts.md`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from dicom_films import dicom_film
from films import write_film


class Films:
    """Writes films that all differ, and tables, below a folder."""

    def __init__(self, root: Path) -> None:
        self.root, self.count = root, 0

    def add(self, *names: str) -> None:
        for name in names:
            self.count += 1
            path = self.root / name
            write_film(path.with_suffix(".png"), self.count)
            if path.suffix == ".dcm":
                pattern = path.with_suffix(".png")
                path.write_bytes(as_dicom(pattern, self.count))
                pattern.unlink()
            elif path.suffix != ".png":
                path.with_suffix(".png").rename(path)

    def table(self, name: str, *lines: str) -> None:
        (self.root / name).write_text("\n".join(lines) + "\n", "utf-8")


def as_dicom(pattern: Path, number: int) -> bytes:
    """Return the film at `pattern` as a DICOM file."""
    with Image.open(pattern) as image:
        return dicom_film(np.asarray(image), PatientID=f"P{number}")


def class_folders(films: Films) -> None:
    films.add(*(f"{label}/{n}.png" for label in ("COVID", "Normal") for n in range(8)))


def split_folders(films: Films) -> None:
    for split in ("train", "val", "test"):
        films.add(*(f"{split}/{c}/{n}.png" for c in ("covid", "normal") for n in range(3)))


def splits_below(films: Films) -> None:
    for split in ("train", "val", "test"):
        films.add(*(f"{c}/{split}/{n}.png" for c in ("covid", "normal") for n in range(3)))


def patients(films: Films) -> None:
    for number in range(8):
        for label in ("covid", "normal"):
            folder = f"{label}/{label}{number}/study1"
            films.add(f"{folder}/view1.png", f"{folder}/view2.png")


def hospitals(films: Films) -> None:
    for number in range(8):
        for label in ("covid", "normal"):
            films.add(f"{label}/{('north', 'south')[number % 2]}/p{number}/1.png")


def dicom(films: Films) -> None:
    films.add(*(f"covid/{n}.png" for n in range(8)), *(f"normal/{n}.dcm" for n in range(8)))


def radiography(films: Films) -> None:
    for label in ("COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"):
        films.add(*(f"{label}/images/{label}-{n}.png" for n in range(1, 9)))
        films.add(f"{label}/masks/{label}-1.png")
    films.table("COVID.metadata.xlsx", "not read")


def kaggle(films: Films) -> None:
    for split in ("train", "val", "test"):
        for number in range(1, 5):
            person = number + 1000 * (split == "val")
            films.add(f"{split}/NORMAL/NORMAL2-IM-{person:04d}-0001.jpeg")
            films.add(f"{split}/PNEUMONIA/person{person}_virus_{person}.jpeg")
    films.add("train/PNEUMONIA/person1_virus_90.jpeg")


def ieee8023(films: Films) -> None:
    header = "patientid,offset,sex,finding,view,modality,folder,filename"
    rows = [header]
    for number in range(8):
        films.add(f"images/c{number}.png", f"images/n{number}.jpg")
        rows.append(f"{number},0,M,Pneumonia/Viral/COVID-19,PA,X-ray,images,c{number}.png")
        rows.append(f"{100 + number},0,F,No Finding,AP Supine,X-ray,images,n{number}.jpg")
    films.add("images/lateral.png")
    rows += [
        "1,3,M,Pneumonia/Viral/COVID-19,L,X-ray,images,lateral.png",
        "2,3,M,Pneumonia/Viral/COVID-19,PA,X-ray,images,absent.png",
        "3,3,M,Pneumonia/Bacterial,PA,X-ray,images,n0.jpg",
        "4,3,M,Pneumonia/Viral/COVID-19,Axial,CT,volumes,volume.nii.gz",
    ]
    films.table("metadata.csv", *rows)


def nih(films: Films) -> None:
    rows = ["Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,View Position"]
    for number in range(8):
        a, b = f"{number:08d}_000.png", f"{number + 50:08d}_000.png"
        films.add(f"images_001/images/{a}", f"images_002/images/{b}")
        rows += [
            f"{a},Pneumonia|Effusion,0,{number},58,PA",
            f"{b},No Finding,0,{number + 50},58,AP",
        ]
    films.table("Data_Entry_2017.csv", *rows, "00000000_000.png,Mass,0,0,1,PA")


def chexpert(films: Films) -> None:
    header = "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Edema,Pneumonia,Support Devices"
    tables = {"train": [header], "valid": [header]}
    for number in range(24):
        split = "valid" if number % 4 == 3 else "train"
        path = f"{split}/patient{number:05d}/study1/view1_frontal.jpg"
        films.add(path)
        cells = ("1.0,,,", ",,1.0,1.0")[number // 4 % 2]
        tables[split].append(f"CheXpert-v1.0-small/{path},Male,60,Frontal,AP,{cells}")
    films.add("train/patient00000/study1/view2_lateral.jpg")
    start = "CheXpert-v1.0-small/train/patient0000"
    tables["train"] += [
        f"{start}0/study1/view2_lateral.jpg,Male,60,Lateral,,1.0,,,",
        f"{start}1/study2/view1_frontal.jpg,Male,60,Frontal,AP,,,-1.0,",
    ]
    for name, rows in tables.items():
        films.table(f"{name}.csv", *rows)


def covidx(films: Films) -> None:
    for split, count in (("train", 8), ("test", 3)):
        rows = []
        for number in range(count):
            films.add(*(f"{split}/{split}{kind}{number}.png" for kind in "cnp"))
            rows += [
                f"{number} {split}c{number}.png COVID-19 cohen",
                f"{split}n{number} {split}n{number}.png normal rsna",
                f"{split}p{number} {split}p{number}.png pneumonia rsna",
            ]
        films.table(f"{split}_split.txt", *rows)


def rsna(films: Films) -> None:
    boxes, classes = ["patientId,x,y,width,height,Target"], ["patientId,class"]
    for number in range(16):
        films.add(f"stage_2_train_images/id{number}.dcm")
        sick = number % 2
        classes += [f"id{number},{('Normal', 'Lung Opacity')[sick]}"] * (1 + sick)
        boxes += [f"id{number},1.0,2.0,3.0,4.0,{sick}"] * (1 + sick)
    films.add("stage_2_test_images/unknown.dcm")
    films.table("stage_2_train_labels.csv", *boxes)
    films.table("stage_2_detailed_class_info.csv", *classes)


def any_table(films: Films) -> None:
    rows = ["File;Name,Diagnosis,Person".replace(";", " ")]
    for number in range(8):
        films.add(f"scans/a{number}.png", f"scans/b{number}.png")
        rows += [f"scans/a{number}.png,sick,{number}", f"b{number}.png,well,{number + 20}"]
    films.table("labels.csv", *rows)
