// The admin area: log in, add a category, add an item.
import { api, ApiError, session } from "./api.ts";
import { h } from "./dom.ts";

type Fields = Record<string, string>;

export async function admin(main: HTMLElement): Promise<void> {
  document.title = "Admin · Catalogue";
  if (session.token) await desk(main);
  else logIn(main);
}

function logIn(main: HTMLElement, notice = ""): void {
  const send = async ({ name = "", password = "" }: Fields): Promise<string> => {
    await api.logIn(name, password);
    await desk(main);
    return "";
  };
  main.replaceChildren(
    h("section", { class: "narrow" },
      h("h1", {}, "Admin"),
      h("p", { class: "lead" }, notice || "Log in to add to the catalogue."),
      form("Log in", send,
        field("Name", h("input", { name: "name", required: true, autocomplete: "username" })),
        field("Password", h("input", {
          name: "password", type: "password", required: true, autocomplete: "current-password",
        })))));
}

async function desk(main: HTMLElement): Promise<void> {
  const select = h("select", { name: "category", required: true });
  const refresh = async (chosen = ""): Promise<void> => {
    const categories = await api.categories();
    select.replaceChildren(...categories.map(({ slug, name }) =>
      h("option", { value: slug, selected: slug === chosen }, name)));
  };
  const guarded = (save: (fields: Fields) => Promise<string>) => async (fields: Fields) => {
    try {
      return await save(fields);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401)) throw error;
      session.end();
      logIn(main, "Your session has ended. Log in again.");
      return "";
    }
  };
  const addItem = guarded(async ({ category = "", name = "", description = "" }) => {
    const item = await api.addItem({ category, name, description });
    return `“${item.name}” is in the catalogue.`;
  });
  const addCategory = guarded(async ({ name = "", description = "" }) => {
    const category = await api.addCategory({ name, description });
    await refresh(category.slug);
    return `“${category.name}” is a category now.`;
  });
  const leave = (): void => {
    session.end();
    logIn(main);
  };

  await refresh();
  main.replaceChildren(
    h("div", { class: "line" },
      h("h1", {}, "Admin"),
      h("button", { type: "button", class: "quiet", click: leave }, "Log out")),
    h("div", { class: "desk" },
      h("section", {}, h("h2", {}, "New item"), form("Add item", addItem,
        field("Category", select), nameField(), descriptionField())),
      h("section", {}, h("h2", {}, "New category"), form("Add category", addCategory,
        nameField(), descriptionField()))));
}

function form(
  label: string,
  send: (fields: Fields) => Promise<string>,
  ...fields: HTMLElement[]
): HTMLFormElement {
  const button = h("button", { type: "submit" }, label);
  const status = h("p", { class: "status", role: "status" });
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    button.disabled = true;
    status.className = "status";
    status.textContent = "";
    try {
      const values = Object.fromEntries([...new FormData(element)].map(([k, v]) => [k, String(v)]));
      status.textContent = await send(values);
      for (const input of element.querySelectorAll("input, textarea")) {
        (input as HTMLInputElement).value = "";
      }
    } catch (error) {
      status.className = "status wrong";
      status.textContent = error instanceof ApiError ? error.message : "The server can't be reached.";
    } finally {
      button.disabled = false;
    }
  };
  const element = h("form", { class: "panel", submit: (event) => void submit(event) },
    ...fields, h("div", { class: "send" }, button, status));
  return element;
}

function field(label: string, control: HTMLElement): HTMLElement {
  return h("label", { class: "field" }, h("span", {}, label), control);
}

function nameField(): HTMLElement {
  return field("Name", h("input", { name: "name", required: true, maxlength: "80" }));
}

function descriptionField(): HTMLElement {
  return field("Description", h("textarea", { name: "description", rows: "3", maxlength: "2000" }));
}
