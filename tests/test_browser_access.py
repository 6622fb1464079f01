"""Every view is open to all: by a screen reader, by a finger, by the keyboard, light and dark."""

import pytest

from tests.views import VIEWS

PHONE = (390, 844)
DESK = (1280, 900)
FINGER = 44  # pixels: WCAG 2.1, 2.5.5, what a finger hits
RING = 3  # WCAG 2.1, 1.4.11: the contrast of what is no text
SCHEMES = ("light", "dark")

# Lists what is smaller than a finger. A link whose cover fills its card is as large as that; one
# within a sentence may be lower, if no other target is within a finger's height of its middle.
_SMALL = """((least) => {
  const isSeen = (e) => e.checkVisibility({ checkVisibilityCSS: true })
    && e.getBoundingClientRect().width > 1 && !e.matches(".skip");
  const all = [...document.querySelectorAll(
    "a[href], button, input, textarea, select, summary, [role=option]")].filter(isSeen);
  const box = (e) => {
    const cover = getComputedStyle(e, "::after");
    const isCovered = cover.content !== "none" && cover.position === "absolute";
    return (isCovered ? e.offsetParent : e).getBoundingClientRect();
  };
  const isInSentence = (e) => getComputedStyle(e).display === "inline"
    && [...e.parentElement.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  const isApart = (e) => {
    const own = box(e), x = own.x + own.width / 2, y = own.y + own.height / 2;
    return all.every((other) => {
      if (other === e) return true;
      const { left, right, top, bottom } = box(other);
      return left >= x + least / 2 || right <= x - least / 2 || top >= y + least / 2
        || bottom <= y - least / 2;
    });
  };
  return all.filter((e) => {
    const { width, height } = box(e);
    return Math.min(width, height) < least - 0.5 && !(isInSentence(e) && isApart(e));
  }).map((e) => [e.outerHTML.slice(0, 120), box(e).width, box(e).height]);
})(...arguments)"""

# Lists what shows no ring, or a faint or a cut one, where the keyboard brings the focus.
_UNRINGED = """((least) => {
  const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 })
    .getContext("2d", { willReadFrequently: true });
  const over = (colour, below) => {
    pen.fillStyle = below;
    pen.fillRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    return `rgb(${[...pen.getImageData(0, 0, 1, 1).data].slice(0, 3)})`;
  };
  const light = (colour) => colour.match(/\\d+/g).map((value) => value / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (e) => (e ? over(getComputedStyle(e).backgroundColor, behind(e.parentElement))
    : over(getComputedStyle(document.body).backgroundColor, "#fff"));
  const wrong = (e) => {
    e.focus({ focusVisible: true });
    if (!e.matches(":focus-visible")) return "no focus";
    const ringed = [e, e.closest(".box")].find((one) => one
      && getComputedStyle(one).outlineStyle !== "none");
    if (!ringed) return "no ring";
    const { outlineWidth, outlineOffset, outlineColor } = getComputedStyle(ringed);
    if (parseFloat(outlineWidth) < 2) return "a thin ring";
    const below = behind(parseFloat(outlineOffset) < 0 ? ringed : ringed.parentElement);
    const [high, low] = [light(over(outlineColor, below)), light(below)].sort((a, b) => b - a);
    if ((high + 0.05) / (low + 0.05) < least) return "a faint ring";
    const reach = parseFloat(outlineWidth) + parseFloat(outlineOffset);
    const own = ringed.getBoundingClientRect();
    for (let up = ringed.parentElement; up && up !== document.body; up = up.parentElement) {
      if (getComputedStyle(up).overflow === "visible") continue;
      const { left, top, right, bottom } = up.getBoundingClientRect();
      if (Math.max(left - own.left, top - own.top, own.right - right, own.bottom - bottom)
          + reach > 1) return "a ring that is cut";
    }
    return null;
  };
  return [...document.querySelectorAll(
    "a[href], button, input, textarea, select, summary, canvas, [tabindex='0']")]
    .filter((e) => e.tabIndex >= 0 && e.checkVisibility({ checkVisibilityCSS: true }))
    .map((e) => [wrong(e), e.outerHTML.slice(0, 120)]).filter(([what]) => what);
})(...arguments)"""


def show(page, scheme, screen):
    page.screen(*screen)
    page.media(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
    page.painted()


def test_axe_finds_nothing_at_any_level(view):
    for screen in (PHONE, DESK):
        show(view, "light", screen)
        assert view.faults() == []
    # Nothing but colours differs.
    show(view, "dark", DESK)
    assert view.faults("color-contrast") == []


def test_a_finger_can_hit_all_on_a_phone(view):
    show(view, "light", PHONE)
    assert view.run(_SMALL, FINGER) == []
    assert view.run("document.documentElement.scrollWidth") <= PHONE[0]


@pytest.mark.parametrize("screen", [PHONE, DESK])
def test_what_has_the_focus_shows_a_whole_ring(view, screen):
    for scheme in SCHEMES:
        show(view, scheme, screen)
        assert view.run(_UNRINGED, RING) == []


def test_what_is_too_small_or_unringed_is_found(page):
    """The tests above would prove nothing, if they saw no fault."""
    show(page, "light", PHONE)
    VIEWS["start"](page)
    page.run("document.styleSheets[0].insertRule(arguments[0])",
             "#start .chip { min-height: 30px !important; padding: 0 !important;"
             " outline: none !important }")
    chips = len(page.all("#start .chip"))
    assert len(page.run(_SMALL, FINGER)) == chips
    assert [what for what, _ in page.run(_UNRINGED, RING)] == chips * ["no ring"]
