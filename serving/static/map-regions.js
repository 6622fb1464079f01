// Regions of the map: loaded, listed for who does not see them, and found by place.

import { ROOT } from "./api.js";
import { element } from "./dom.js";

// Returns the regions by a recipe, for each level, the coarsest first; none where that fails: the
// map can be used without them.
export async function loadRegions(recipe) {
  try {
    const response = await fetch(`${ROOT}map/regions?${new URLSearchParams({ recipe })}`);
    return response.ok ? await response.json() : [];
  } catch {
    return [];
  }
}

// Lists the coarsest regions, the largest first.
export function listRegions(list, regions) {
  list.replaceChildren(...(regions[0] ?? []).map(
    ({ words }) => element("li", { textContent: words })));
}

// Returns the words of the region, of any level, whose middle is nearest to a place, or "".
export function regionAt(regions, x, y) {
  let words = "", least = Infinity;
  for (const region of regions.flat()) {
    const away = Math.hypot(region.x - x, region.y - y);
    if (away < least) [words, least] = [region.words, away];
  }
  return words;
}
