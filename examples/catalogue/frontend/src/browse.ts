// The public page: categories, a search field, and a card for each item.
import { api, type Category, type Item } from "./api.ts";
import { art } from "./art.ts";
import { h } from "./dom.ts";
import { matching } from "./search.ts";

export async function browse(main: HTMLElement): Promise<void> {
  document.title = "Catalogue";
  main.replaceChildren(hero("Looking through the shelves …"), skeleton());
  const [categories, items] = await Promise.all([api.categories(), api.items()]);
  const named = new Map(categories.map((category) => [category.slug, category]));

  let category = new URLSearchParams(location.search).get("category") ?? "";
  const search = h("input", {
    type: "search", placeholder: "Search the catalogue", "aria-label": "Search the catalogue",
    input: () => show(),
  });
  const count = h("p", { class: "count", role: "status" });
  const about = h("p", { class: "about" });
  const grid = h("ul", { class: "grid" });
  const filters = h("div", { class: "chips", role: "group", "aria-label": "Categories" },
    ...[{ slug: "", name: "Everything" }, ...categories].map(({ slug, name }) =>
      h("button", { type: "button", "data-slug": slug, click: () => choose(slug) }, name)));

  function choose(slug: string): void {
    category = slug;
    history.replaceState(null, "", slug ? `/?category=${encodeURIComponent(slug)}` : "/");
    show();
  }

  function show(): void {
    for (const chip of filters.querySelectorAll("button")) {
      chip.setAttribute("aria-pressed", String(chip.dataset["slug"] === category));
    }
    const found = matching(items, category, search.value);
    about.textContent = named.get(category)?.description ?? "The newest first.";
    count.textContent = `${found.length} ${found.length === 1 ? "item" : "items"}`;
    grid.replaceChildren(...found.map((item) => card(item, named.get(item.category))));
    if (!found.length) grid.append(h("li", { class: "empty" }, "Nothing here matches. Try fewer words."));
  }

  main.replaceChildren(
    hero(`${items.length} things in ${categories.length} categories.`),
    h("div", { class: "tools" }, filters, search),
    h("div", { class: "line" }, about, count),
    grid,
  );
  show();
}

function hero(line: string): HTMLElement {
  return h("section", { class: "hero" },
    h("h1", {}, "Good things, well kept."),
    h("p", {}, line));
}

function card(item: Item, category: Category | undefined): HTMLElement {
  return h("li", { class: "card" },
    art(category?.id ?? 0, item.name),
    h("div", { class: "card-text" },
      h("p", { class: "label" }, category?.name ?? item.category),
      h("h2", {}, item.name),
      h("p", {}, item.description),
      item.word_count === null
        ? h("p", { class: "meta" }, "Being indexed …")
        : null));
}

function skeleton(): HTMLElement {
  const cards = Array.from({ length: 6 }, () => h("li", { class: "card ghost" }));
  return h("ul", { class: "grid", "aria-hidden": "true" }, ...cards);
}
