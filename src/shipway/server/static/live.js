// Pages work without this. With it, a log goes on by itself, and a board is updated when something changed.
"use strict";
const live = document.body.dataset.live;
const log = document.getElementById("log");

function follow(address) {
  const events = new EventSource(address);
  let after = 0;
  events.addEventListener("message", (event) => {
    const line = JSON.parse(event.data);
    if (line.seq <= after) return;
    after = line.seq;
    const bottom = window.innerHeight + window.scrollY >= document.body.scrollHeight - 40;
    const item = document.createElement("li");
    item.id = `e${line.seq}`;
    item.className = line.kind;
    if (line.name) {
      const name = document.createElement("b");
      name.textContent = line.name;
      item.append(name, " ");
    }
    if (log.parentElement.classList.contains("numbered")) {
      const link = document.createElement("a");
      link.href = `#e${line.seq}`;
      link.textContent = line.seq;
      link.setAttribute("aria-label", `Line ${line.seq}`);
      item.append(link);
    }
    item.append(line.text);
    log.append(item);
    if (/^(begin|end)/.test(line.kind)) renew();
    if (bottom) window.scrollTo(0, document.body.scrollHeight);
  });
  events.addEventListener("ended", () => {
    events.close();
    refresh();
  });
  events.addEventListener("over", () => events.close());
  events.addEventListener("changed", () => {
    events.close();
    refresh();
  });
}

// The steps of a run, shortly after one of them has begun or ended.
let renewing = 0;
function renew() {
  if (!document.getElementById("steps") || renewing) return;
  renewing = setTimeout(async () => {
    renewing = 0;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer || !answer.ok) return;
    const found = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("steps");
    if (found) document.getElementById("steps")?.replaceWith(found);
  }, 500);
}

// Durations of what still runs.
setInterval(() => {
  for (const item of document.querySelectorAll("[data-since]")) {
    const seconds = Math.max(0, Math.round(Date.now() / 1000 - item.dataset.since));
    item.textContent = seconds < 100 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  }
}, 1000);

async function refresh() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer || !answer.ok) return void setTimeout(refresh, 3000);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const focused = document.activeElement ? document.activeElement.id : "";
  document.getElementById("main").replaceChildren(...page.getElementById("main").childNodes);
  document.title = page.title;
  if (focused) document.getElementById(focused)?.focus();
  const next = page.body.dataset.live;
  if (next && !document.getElementById("log")) follow(next);
}

if (live) follow(live);
