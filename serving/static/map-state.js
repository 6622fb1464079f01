// What the map shows when it is opened, as its address says.

import { filtersOf } from "./filters.js";
import { COLOURINGS } from "./map-colours.js";

// Returns the recipes that have a map, that shown without another word first; the state; and what
// else of the address is kept for the links to other pages.
export function openedWith(given, maps) {
  const recipes = [...maps.filter((name) => name === "best"), ...maps.filter((name) => name !== "best")];
  const state = {
    ...lookOf(given, recipes), chosen: -1, hovered: -1, lit: -1,
    alone: -1, // the group of films of the colour `only`, or all
    asked: null, // the texts and films asked for, with the rows found and the star's place
    near: [] };
  const rest = ["k", "diverse"].flatMap((name) => (given.has(name) ? [[name, given.get(name)]] : []));
  return { recipes, state, rest };
}

// Returns recipe, colours, the name of the one that is shown alone, and filters of an address.
export function lookOf(given, recipes) {
  const oneOf = (values, name) => (values.includes(given.get(name)) ? given.get(name) : values[0]);
  return { recipe: oneOf(recipes, "recipe"), colour: oneOf(COLOURINGS, "colour"),
    only: given.get("only"), filters: filtersOf(given) };
}
