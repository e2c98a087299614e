// Bundles src/ into dist/: files with hashes in their names, and index.html that refers to them.
import { build } from "esbuild";
import { readFile, rm, writeFile } from "node:fs/promises";

const entries = ["src/main.ts", "src/styles.css", "src/favicon.svg"];

await rm("dist", { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: entries,
  entryNames: "assets/[name]-[hash]",
  outdir: "dist",
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022", "chrome123", "firefox121", "safari17.5"],
  loader: { ".svg": "copy" },
  metafile: true,
  logLevel: "info",
});

let page = await readFile("index.html", "utf8");
for (const entry of entries) {
  const made = Object.entries(metafile.outputs).find(([path, output]) =>
    (output.entryPoint ?? Object.keys(output.inputs)[0]) === entry && !path.endsWith(".map"));
  if (!made || !page.includes(`"/${entry}"`)) throw new Error(`index.html and ${entry} don't match`);
  page = page.replace(`"/${entry}"`, `"${made[0].replace("dist", "")}"`);
}
await writeFile("dist/index.html", page);
