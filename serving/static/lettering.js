// Titles set in the largest letters that fit a width and a height, in any script.

import { node } from "./sheet.js";

const LONGEST = 90; // characters; what is longer ends in an ellipsis
const SMALLEST = 9; // user units; words too wide in it are broken
const SOLE = 13; // user units; rather than smaller, a word is broken
// These scripts need more room above and below their letters than Latin, Cyrillic and Greek.
const PLAIN = /^[\p{sc=Latin}\p{sc=Cyrillic}\p{sc=Greek}\p{N}\p{P}\p{S}\p{Zs}]*$/u;
const PICTURES = /\p{Extended_Pictographic}/u;
const RIGHT_TO_LEFT = /^[^\p{L}]*[\p{sc=Hebrew}\p{sc=Arabic}\p{sc=Syriac}\p{sc=Thaana}]/u;
const WITHOUT_SPACES = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;
const pen = document.createElement("canvas").getContext("2d");

// Returns the title's height, and a function that draws it.
export function lettering(title, style, width, height) {
  const isPlain = PLAIN.test(title) && !PICTURES.test(title);
  const spacing = isPlain ? style.spacing : 0;
  pen.font = `${style.weight} 100px ${style.family}`;
  const widths = new Map(); // each size measures the same lines again
  const measure = (text) => {
    if (!widths.has(text)) {
      widths.set(text, (pen.measureText(text).width / 100
        + (spacing && spacing * letters(text).length)) * 1.02);
    }
    return widths.get(text);
  };
  const parts = split(cased(shortened(title), style, isPlain));
  const leading = isPlain ? style.capitals ? 1.06 : 1 : 1.36;
  let [size, lines] = [style.size, null];
  for (; size >= SMALLEST && !lines; size *= 0.94) {
    lines = wrap(parts, width / size, measure, size < SOLE * 1.06);
    if (lines && (lines.length * leading * size > height || lines.length > 6)) lines = null;
    if (lines) break;
  }
  size = Math.max(size, SMALLEST);
  lines ??= wrap(parts, width / size, measure, true).slice(0, Math.floor(height / size / leading));
  const rightToLeft = RIGHT_TO_LEFT.test(title);
  return {
    height: lines.length * leading * size, rightToLeft,
    draw(root, fill, top, margin, whole) {
      const x = style.middle ? whole / 2 : rightToLeft ? whole - margin : margin;
      const block = node("g", { "font-family": style.family, "font-weight": style.weight,
        "font-size": size, fill, "letter-spacing": (spacing * size).toFixed(2),
        "text-anchor": style.middle ? "middle" : "start",
        ...(rightToLeft ? { direction: "rtl" } : {}) });
      lines.forEach((line, at) => {
        const text = node("text", { x, y: top + size * (leading * at + (isPlain ? 0.78 : 1)) });
        text.textContent = line;
        // Holds where the font that is shown is another than the one that was measured.
        const wide = measure(line) * size;
        if (wide > width * 0.7) text.setAttribute("textLength", Math.min(wide / 1.02, width).toFixed(1));
        if (wide > width * 0.7) text.setAttribute("lengthAdjust", "spacingAndGlyphs");
        block.append(text);
      });
      root.append(block);
    },
  };
}

function shortened(title) {
  const all = letters(title.trim() || "?");
  return all.length > LONGEST ? `${all.slice(0, LONGEST - 1).join("").trim()}…` : all.join("");
}

function cased(title, { capitals, low }, isPlain) {
  if (!isPlain) return title;
  return capitals ? title.toUpperCase() : low ? title.toLowerCase() : title;
}

const graphemes = "Segmenter" in Intl ? new Intl.Segmenter("en") : null;

function letters(text) {
  return graphemes ? [...graphemes.segment(text)].map(({ segment }) => segment) : [...text];
}

// Returns the parts of a title between which a line may end, with the blanks behind them.
function split(title) {
  return title.match(/\S+\s*/gu).flatMap((word) => (WITHOUT_SPACES.test(word)
    ? letters(word).reduce((parts, letter) => {
      // No line begins with a mark that closes something.
      if (parts.length && /^[\p{P}ー々\s]+$/u.test(letter)) parts[parts.length - 1] += letter;
      else parts.push(letter);
      return parts;
    }, []) : word.split(/(?<=[-–—/])(?=\S)/u)));
}

// Returns the lines, or null if a part is wider than a line and may not be broken.
function wrap(parts, width, measure, mayBreak) {
  const lines = [""];
  for (const part of parts) {
    const joined = lines[lines.length - 1] + part;
    if (measure(joined.trimEnd()) <= width) {
      lines[lines.length - 1] = joined;
      continue;
    }
    if (measure(part.trimEnd()) <= width) {
      lines.push(part);
      continue;
    }
    if (!mayBreak) return null;
    for (const letter of letters(part)) {
      if (measure((lines[lines.length - 1] + letter).trimEnd()) <= width) {
        lines[lines.length - 1] += letter;
      } else lines.push(letter);
    }
  }
  return lines.map((line) => line.trim()).filter(Boolean);
}
