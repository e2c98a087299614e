// The backend's JSON, typed.

export interface Category {
  id: number;
  slug: string;
  name: string;
  description: string;
}

export interface Item {
  id: number;
  category: string;
  name: string;
  description: string;
  search_slug: string | null;
  word_count: number | null;
}

export interface Version {
  version: string;
  revision: string;
  schema_revision: string | null;
}

export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const TOKEN = "admin-token";

export const session = {
  get token(): string | null {
    return sessionStorage.getItem(TOKEN);
  },
  end(): void {
    sessionStorage.removeItem(TOKEN);
  },
};

async function call<T>(path: string, body?: object): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (body) headers["Content-Type"] = "application/json";
  if (session.token) headers["Authorization"] = `Bearer ${session.token}`;
  const request: RequestInit = { headers, method: body ? "POST" : "GET" };
  if (body) request.body = JSON.stringify(body);
  const answer = await fetch(`/api${path}`, request);
  if (!answer.ok) throw new ApiError(answer.status, await reason(answer));
  return (await answer.json()) as T;
}

async function reason(answer: Response): Promise<string> {
  const { detail } = await answer.json().catch(() => ({ detail: null }));
  if (typeof detail === "string") return detail;
  // FastAPI lists what is wrong with each field.
  if (Array.isArray(detail)) return detail.map((d) => `${d.loc.at(-1)}: ${d.msg}`).join("; ");
  return `the server answered ${answer.status}`;
}

export const api = {
  categories: () => call<Category[]>("/categories"),
  items: () => call<Item[]>("/items"),
  version: () => call<Version>("/version"),
  addCategory: (category: { name: string; description: string }) =>
    call<Category>("/categories", category),
  addItem: (item: { category: string; name: string; description: string }) =>
    call<Item>("/items", item),
  async logIn(name: string, password: string): Promise<void> {
    const { token } = await call<{ token: string }>("/admin/login", { name, password });
    sessionStorage.setItem(TOKEN, token);
  },
};
