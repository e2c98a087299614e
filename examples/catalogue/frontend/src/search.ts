import type { Item } from "./api.ts";

/** The items of a category ("" is every one) that contain each of the words, accents ignored. */
export function matching(items: Item[], category: string, words: string): Item[] {
  const wanted = plain(words).split(/\s+/).filter(Boolean);
  return items.filter((item) => {
    if (category && item.category !== category) return false;
    const text = plain(`${item.name} ${item.description} ${item.search_slug ?? ""}`);
    return wanted.every((word) => text.includes(word));
  });
}

function plain(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}
