"""The contrast of all that can be pressed, in every state and both schemes."""

import pytest

from tests.views import INTERACTIVE

LEAST = 4.5  # WCAG 2.1, 1.4.3: the contrast of text, level AA
STATES = ([], ["hover"], ["focus", "focus-visible"], ["active"], ["hover", "active"])

# Lists what is too faint: [element, contrast, colour of the text, colour behind it]. Colours are
# laid over each other from the page's ground upwards; a filter would falsify that.
_FAINT = """((selector, least) => {
  const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 })
    .getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const rgba = (colour) => {
    if (!known.has(colour)) {
      pen.clearRect(0, 0, 1, 1);
      pen.fillStyle = colour;
      pen.fillRect(0, 0, 1, 1);
      known.set(colour, [...pen.getImageData(0, 0, 1, 1).data]);
    }
    return known.get(colour);
  };
  const over = ([r, g, b, a], below, opacity = 1) =>
    [r, g, b].map((value, at) => below[at] + (value - below[at]) * a / 255 * opacity);
  const light = (colour) => colour.map((value) => value / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = rgba(getComputedStyle(document.body).backgroundColor).slice(0, 3);
  function behind(element) {
    if (!element) return ground;
    const style = getComputedStyle(element);
    if (style.filter !== "none") throw new Error(`a filter on ${element.outerHTML}`);
    return over(rgba(style.backgroundColor), behind(element.parentElement));
  }
  const opacity = (element) => (element
    ? getComputedStyle(element).opacity * opacity(element.parentElement) : 1);
  const isSeen = (element) => element.checkVisibility({ checkVisibilityCSS: true });
  const faint = [];
  function look(element, pseudo) {
    const style = getComputedStyle(element, pseudo);
    const below = behind(element);
    const ink = over(rgba(style.color), below, opacity(element));
    const [high, low] = [light(ink), light(below)].sort((a, b) => b - a);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < least) {
      faint.push([element.outerHTML.slice(0, 90), contrast.toFixed(2), style.color,
        below.map(Math.round).join()]);
    }
  }
  for (const part of [...document.querySelectorAll(selector)].filter(isSeen)) {
    if (part.placeholder && !part.value) look(part, "::placeholder");
    else if ("value" in part && part.localName !== "button") look(part);
    for (const inner of [part, ...part.querySelectorAll("*")].filter(isSeen)) {
      if ([...inner.childNodes].some((node) => node.nodeType === Node.TEXT_NODE
          && node.data.trim())) look(inner);
    }
  }
  return faint;
})(...arguments)"""

# Marks the first of each kind of element in sight: the next cards of a list have the same styles.
_MARK = """void [...document.querySelectorAll(arguments[0])].reduce((known, part) => {
  const kind = [part, part.parentElement, part.closest("[id]:not(li)")].map(
    (e) => e && `${e.localName} ${e.className} ${e.id}`).join();
  part.toggleAttribute("data-first", !known.has(kind)
    && part.checkVisibility({ checkVisibilityCSS: true }));
  if (!part.matches("[data-first]")) return known;
  return known.add(kind);
}, new Set())"""

_PRESS = """document.querySelectorAll("[aria-pressed], [aria-selected], [aria-expanded]")
  .forEach((part) => ["aria-pressed", "aria-selected", "aria-expanded"]
    .filter((name) => part.hasAttribute(name))
    .forEach((name) => part.setAttribute(name, arguments[0])))"""

_RULES_FOR_ALL_POINTERS = """(() => {
  const outside = (rules) => [...rules].flatMap((rule) =>
    /hover: hover/.test(rule.media?.mediaText) ? [] : [
      ...(/:hover/.test(rule.selectorText) ? [rule.selectorText] : []),
      ...outside(rule.cssRules ?? [])]);
  return [...document.styleSheets].flatMap((sheet) => outside(sheet.cssRules));
})()"""


def faint_in(page, state, pressed="false"):
    """Return what has too little contrast in a state."""
    page.run(_MARK, INTERACTIVE)
    page.run(_PRESS, pressed)
    page.force("[data-first]", state)
    return page.run(_FAINT, "[data-first]", LEAST)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_that_can_be_pressed_is_read_in_every_state(view, scheme):
    view.media(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
    assert view.run("matchMedia('(hover: hover)').matches")
    assert view.all(INTERACTIVE)
    assert [(state, pressed, *fault) for pressed in ("false", "true") for state in STATES
            for fault in faint_in(view, state, pressed)] == []


@pytest.mark.parametrize("state", STATES[1:])
def test_a_state_is_really_forced(page, state):
    """A colour that a state alone has is seen, else the test above would prove nothing."""
    page.media(prefers_reduced_motion="reduce")
    page.open()
    page.run("document.styleSheets[0].insertRule(arguments[0])",
             "#start .chip{} {{ color: transparent !important }}".format(
                 "".join(":" + name for name in state)))
    assert len(faint_in(page, state)) >= 1
    assert faint_in(page, []) == []


def test_no_rule_for_the_pointer_holds_where_there_is_none(view):
    """After a tap a phone would keep it."""
    assert view.run(_RULES_FOR_ALL_POINTERS) == []
