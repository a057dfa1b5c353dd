"""What a distribution needs is pinned as it is installed, and its licence is told as it is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from edge_runtime.errors import DataError
from offline.pins import NOT_HERE, closure, licence_of, read_pins

ROOT = Path(__file__).parents[2]
PINS = {"alpha": ("Alpha", "1.0"), "beta": ("beta", "2.0"), "gamma": ("gamma", "3.0")}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of packages that Python sees: alpha needs beta, and gamma for an extra."""
    monkeypatch.syspath_prepend(str(tmp_path))
    needs = ["Beta>=1", "gamma; extra == 'more'", "winonly; sys_platform == 'win32'"]
    put(tmp_path, "Alpha", "1.0", [f"Requires-Dist: {one}" for one in needs])
    put(tmp_path, "beta", "2.0", ["License-Expression: MIT OR 0BSD"])
    put(tmp_path, "gamma", "3.0", ["License: A text\n        of many lines",
        "Classifier: License :: OSI Approved :: Apache Software License",
        "Classifier: License :: Other/Proprietary License"])  # fmt: skip
    return tmp_path


def put(folder: Path, name: str, version: str, lines: list[str]) -> None:
    place = folder / f"{name}-{version}.dist-info"
    place.mkdir()
    head = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", *lines]
    (place / "METADATA").write_text("\n".join(head) + "\n", encoding="utf-8")


@pytest.mark.usefixtures("site")
def test_what_a_package_needs_comes_with_the_extras_that_ask_for_it() -> None:
    asked = {"": [Requirement("alpha")], "full": [Requirement("alpha[more]")]}
    packages = {package.key: package for package in closure(asked, PINS)}
    assert {key: set(package.extras) for key, package in packages.items()} == {
        "alpha": {"", "full"},
        "beta": {"", "full"},
        "gamma": {"full"},
    }
    assert packages["alpha"].needs == {"beta", "gamma"}
    assert packages["beta"].licence == "MIT OR 0BSD"


@pytest.mark.parametrize(
    ("pins", "problem"),
    [
        ({"alpha": PINS["alpha"]}, "does not pin beta"),
        ({**PINS, "beta": ("beta", "2.1")}, r"beta: is 2\.0 here, and 2\.1 in constraints\.txt"),
        ({**PINS, "delta": ("delta", "1")}, "delta: is not installed here"),
    ],
)
@pytest.mark.usefixtures("site")
def test_a_package_that_is_not_as_it_is_pinned_is_refused(
    pins: dict[str, tuple[str, str]], problem: str
) -> None:
    with pytest.raises(DataError, match=problem):
        closure({"": [Requirement("alpha"), *map(Requirement, {*pins} - {*PINS})]}, pins)


@pytest.mark.usefixtures("site")
def test_a_licence_is_told_as_the_package_names_it_and_not_guessed() -> None:
    assert licence_of("gamma") == "Apache-2.0, Other/Proprietary License"
    assert licence_of("alpha") == "not stated in its metadata"
    assert licence_of("of-another-system") == NOT_HERE


@pytest.mark.parametrize(("text", "problem"), [("a>=1\n", "no NAME"), ("a==1\nA==2\n", "twice")])
def test_a_line_that_pins_nothing_is_refused(text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "constraints.txt").write_text(f"# why\n\n{text}", encoding="utf-8")
    with pytest.raises(DataError, match=problem):
        read_pins(tmp_path / "constraints.txt")


def test_each_pin_is_on_the_page_of_licences() -> None:
    page = (ROOT / "docs" / "licences.md").read_text("utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| ")][1:]
    assert [(row[0].removeprefix("| "), row[1]) for row in rows] == [*read_pins().values()]


def test_each_installed_pin_is_of_its_version() -> None:
    for name, version in read_pins().values():
        try:
            assert distribution(name).version == version, name
        except PackageNotFoundError:
            assert name == "colorama", name  # of Windows
