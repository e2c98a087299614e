import assert from "node:assert/strict";
import { test } from "node:test";
import type { Item } from "../src/api.ts";
import { matching } from "../src/search.ts";

function item(name: string, category: string, description = ""): Item {
  return { id: 0, name, category, description, search_slug: null, word_count: null };
}

const pan = item("Carbon steel pan", "kitchen", "Good for crêpes.");
const pen = item("Fountain pen", "stationery", "A steel nib.");

const cases: [string, string, string, Item[]][] = [
  ["no filter keeps everything", "", "", [pan, pen]],
  ["a category keeps its own", "kitchen", "", [pan]],
  ["case and accents don't matter", "", "CREPES", [pan]],
  ["every word has to be there", "", "steel nib", [pen]],
  ["both filters hold together", "kitchen", "nib", []],
];

for (const [name, category, words, found] of cases) {
  test(name, () => assert.deepEqual(matching([pan, pen], category, words), found));
}
