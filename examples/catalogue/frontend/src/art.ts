// A small composition of tiles for each item: the same item always looks the same.
import { svg } from "./dom.ts";

const PALETTES = [
  ["#1f3d36", "#e0894a", "#f0d9b5", "#7fa08f"],
  ["#7a2e2e", "#f2b38b", "#f6e3cf", "#c46a4a"],
  ["#27406b", "#e9c46a", "#dfe7f2", "#7d9cc9"],
  ["#3f2f57", "#e58fa3", "#efe3f4", "#9a83c0"],
  ["#4a4f1f", "#e3c565", "#f1efd3", "#9fa85a"],
] as const;

const TILES = [
  "M0 0h10v10H0z",
  "M0 0a10 10 0 0 0 10 10V0z",
  "M10 0A10 10 0 0 0 0 10h10z",
  "M0 10A10 10 0 0 0 10 0H0z",
  "M0 5a5 5 0 0 1 10 0z",
  "M5 0a5 5 0 0 1 0 10z",
  "M5 0a5 5 0 1 0 0 10 5 5 0 0 0 0-10z",
  "M0 0h10L0 10z",
];

const COLUMNS = 6;
const ROWS = 3;

/** `group` decides the colours, `seed` the pattern. */
export function art(group: number, seed: string): SVGElement {
  const next = random(seed);
  const palette = PALETTES[group % PALETTES.length] ?? PALETTES[0];
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] as T;
  const tiles: SVGElement[] = [];
  for (let y = 0; y < ROWS; y++) {
    for (let x = 0; x < COLUMNS; x++) {
      const move = { transform: `translate(${x * 10} ${y * 10})` };
      tiles.push(svg("rect", { width: "10.2", height: "10.2", fill: pick(palette), ...move }));
      tiles.push(svg("path", { d: pick(TILES), fill: pick(palette), ...move }));
    }
  }
  const viewBox = `0 0 ${COLUMNS * 10} ${ROWS * 10}`;
  return svg("svg", { viewBox, class: "art", "aria-hidden": "true" }, ...tiles);
}

function random(seed: string): () => number {
  let state = 2166136261;
  for (const letter of seed) state = Math.imul(state ^ letter.charCodeAt(0), 16777619);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
