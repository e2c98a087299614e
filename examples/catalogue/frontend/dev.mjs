// For development: serves dist/ on :3000 and hands /api to a backend on :8000.
import { readFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { extname } from "node:path";
import "./build.mjs";

const types = { ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

createServer(async (asked, answer) => {
  if (asked.url.startsWith("/api")) {
    const { url: path, method, headers } = asked;
    const onward = request({ host: "127.0.0.1", port: 8000, path, method, headers }, (reply) => {
      answer.writeHead(reply.statusCode, reply.headers);
      reply.pipe(answer);
    });
    onward.on("error", () => answer.writeHead(502).end("no backend on 127.0.0.1:8000"));
    asked.pipe(onward);
    return;
  }
  const { pathname } = new URL(asked.url, "http://localhost");
  const file = pathname.startsWith("/assets/") ? pathname : "/index.html";
  const body = await readFile(`dist${file}`).catch(() => null);
  answer.writeHead(body ? 200 : 404, { "Content-Type": types[extname(file)] ?? "text/html" });
  answer.end(body);
}).listen(3000, process.env.HOST ?? "127.0.0.1", () => console.log("http://127.0.0.1:3000"));
