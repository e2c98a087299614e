import { admin } from "./admin.ts";
import { api } from "./api.ts";
import { browse } from "./browse.ts";
import { h } from "./dom.ts";

const main = document.querySelector<HTMLElement>("#main")!;
const release = document.querySelector<HTMLElement>("#release")!;

async function open(): Promise<void> {
  for (const link of document.querySelectorAll<HTMLAnchorElement>("nav a")) {
    if (link.pathname === location.pathname) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  try {
    await (location.pathname.startsWith("/admin") ? admin(main) : browse(main));
  } catch {
    main.replaceChildren(
      h("section", { class: "narrow" },
        h("h1", {}, "The catalogue is closed for a moment."),
        h("p", { class: "lead" }, "The server doesn't answer. Try again in a minute."),
        h("button", { type: "button", click: () => void open() }, "Try again")));
  }
}

async function showRelease(): Promise<void> {
  const { version, revision, schema_revision: schema } = await api.version();
  const parts = [version, revision.slice(0, 7), schema ? `schema ${schema}` : ""];
  release.textContent = parts.filter(Boolean).join(" · ");
}

document.addEventListener("click", (event) => {
  const link = (event.target as Element).closest<HTMLAnchorElement>("a[href^='/']");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  history.pushState(null, "", link.href);
  void open().then(() => main.focus());
});
addEventListener("popstate", () => void open());

void open();
showRelease().catch(() => (release.textContent = "release unknown"));
