"""A film is seen as it is and as the model saw it, in any window, beside its map or another."""

from __future__ import annotations

from typing import Any

from clinic_page import ClinicPage, film, telephone_photo

# The mean grey level of what a stage shows, without what lies over it.
_MEAN = """(stage) => {
  const canvas = document.querySelector(stage + " canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let sum = 0;
  for (let place = 0; place < data.length; place += 4) sum += data[place];
  return sum / (data.length / 4);
}"""


_PLACE = "document.querySelector('#stage .plate').style.transform"


def mean(visited: ClinicPage, stage: str = "#stage") -> float:
    return float(visited.page.evaluate(_MEAN, stage))


def size(visited: ClinicPage, stage: str) -> Any:
    script = "(stage) => { const one = document.querySelector(stage + ' canvas');"
    return visited.page.evaluate(script + "return [one.width, one.height]; }", stage)


def drag(visited: ClinicPage, right: int, down: int, button: Any = "left") -> None:
    box = visited.page.locator("#stage").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    visited.page.mouse.move(x, y)
    visited.page.mouse.down(button=button)
    visited.page.mouse.move(x + right, y + down, steps=3)
    visited.page.mouse.up(button=button)


def zoom(visited: ClinicPage) -> str:
    return visited.text("#zoom")


def place(visited: ClinicPage) -> str:
    return str(visited.page.evaluate(_PLACE))


def test_the_film_and_the_pixels_that_the_model_saw_are_shown(visited: ClinicPage) -> None:
    visited.give(film(0)).shown()
    assert size(visited, "#stage") == [320, 288]
    visited.page.check("[name=beside][value=pixels]", force=True)
    visited.shown("#stage-2")
    assert size(visited, "#stage-2") == [128, 128]
    assert "pixels that the model saw" in visited.text("#caption-2")


def test_the_heat_map_lies_over_what_the_model_saw_and_says_what_it_is(
    visited: ClinicPage,
) -> None:
    visited.give(film(0)).shown()
    visited.page.check("[name=beside][value=heatmap]", force=True)
    visited.page.wait_for_selector("#stage-2[data-map]")
    assert size(visited, "#stage-2") == [128, 128]
    assert "not where disease is" in visited.text("#caption-2")
    visited.page.fill("#strength", "30")
    assert (
        visited.page.evaluate("document.querySelector('#stage-2 .overlay').style.opacity") == "0.3"
    )
    visited.page.check("[name=beside][value=none]", force=True)
    assert not visited.page.locator("#stage-2").is_visible()


def test_a_refused_film_is_shown_and_has_no_heat_map(visited: ClinicPage) -> None:
    visited.give(telephone_photo()).shown()
    assert visited.page.locator("[name=beside][value=heatmap]").is_disabled()


def test_window_and_level_change_what_is_seen_by_sliders_keys_and_mouse(
    visited: ClinicPage,
) -> None:
    visited.give(film(0)).shown()
    page, plain = visited.page, mean(visited)
    page.fill("#level", "70")  # brighter
    visited.until(f"({_MEAN})('#stage') > {plain + 15}")
    page.click("#reset")
    visited.until(f"Math.abs(({_MEAN})('#stage') - {plain}) < 0.01")
    page.click("#invert")
    visited.until(f"Math.abs(({_MEAN})('#stage') - {255 - plain}) < 1")
    assert page.get_attribute("#invert", "aria-pressed") == "true"
    page.focus("#stage")
    page.keyboard.press("i")
    visited.until(f"Math.abs(({_MEAN})('#stage') - {plain}) < 0.01")
    for _ in range(5):
        page.keyboard.press("Shift+ArrowDown")  # a higher level is darker
    visited.until(f"({_MEAN})('#stage') < {plain - 15}")
    page.click("#reset")
    drag(visited, 0, -120, button="right")
    visited.until(f"({_MEAN})('#stage') > {plain + 15}")


def test_zoom_and_pan_by_buttons_keys_wheel_and_mouse(visited: ClinicPage) -> None:
    visited.give(film(0)).shown()
    page = visited.page
    page.click("#zoom-in")
    assert zoom(visited) == "125%"
    page.focus("#stage")
    page.keyboard.press("+")
    assert zoom(visited) == "156%"
    page.hover("#stage")
    page.mouse.wheel(0, -400)
    page.wait_for_selector("#zoom:has-text('285%')")
    before = place(visited)
    drag(visited, 60, 40)
    visited.until(f"{_PLACE} !== '{before}'")
    moved = place(visited)
    page.keyboard.press("ArrowLeft")
    visited.until(f"{_PLACE} !== '{moved}'")
    page.keyboard.press("0")
    assert zoom(visited) == "100%"


def test_two_fingers_zoom(visited: ClinicPage) -> None:
    visited.give(film(0)).shown()
    visited.page.evaluate(
        """() => {
          const stage = document.getElementById("stage");
          stage.setPointerCapture = () => {}; // which fingers that are none cannot have
          const { left, top, width, height } = stage.getBoundingClientRect();
          const [x, y] = [left + width / 2, top + height / 2];
          const finger = (kind, pointerId, at) => stage.dispatchEvent(new PointerEvent(kind,
            { pointerId, pointerType: "touch", clientX: x + at, clientY: y, bubbles: true }));
          finger("pointerdown", 11, -50);
          finger("pointerdown", 12, 50);
          finger("pointermove", 12, 150);
          finger("pointerup", 11, -50);
          finger("pointerup", 12, 150);
        }"""
    )
    assert zoom(visited) == "200%"


def test_two_films_stand_side_by_side_and_move_together_or_alone(visited: ClinicPage) -> None:
    visited.give(film(0), film(1), film(2)).choose("film-00").shown()
    page = visited.page
    page.check("[name=beside][value=other]", force=True)
    page.select_option("#other", label=visited.page.locator("#other option").nth(1).inner_text())
    visited.shown("#stage-2")
    assert "film-02.png" in visited.text("#caption-2")
    page.focus("#stage")
    page.keyboard.press("+")
    assert page.get_attribute("#stage-2", "data-zoom") == "1.25"
    page.uncheck("#together")
    page.focus("#stage")
    page.keyboard.press("+")
    assert page.get_attribute("#stage", "data-zoom") == "1.56"
    assert page.get_attribute("#stage-2", "data-zoom") == "1.25"
