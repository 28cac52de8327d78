// Bundles the console into ../../build/console: one script, one style sheet, named by their contents, and the page
// that loads them. `node build.mjs --out DIR` writes elsewhere. The page holds no inline script or style, so that
// liftd can serve it under `default-src 'self'`.
import { build } from "esbuild";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const at = process.argv.indexOf("--out");
const out = at > 0 && process.argv[at + 1] ? resolve(process.argv[at + 1]) : resolve(here, "../../build/console");

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const result = await build({
  absWorkingDir: here,
  entryPoints: { console: "src/main.tsx" },
  bundle: true,
  minify: true,
  sourcemap: "linked",
  sourcesContent: true,
  target: ["es2021"],
  format: "esm",
  jsx: "automatic",
  jsxImportSource: "preact",
  charset: "utf8",
  legalComments: "linked",
  entryNames: "[name]-[hash]",
  outdir: out,
  metafile: true,
  logLevel: "warning",
});

const outputs = Object.keys(result.metafile.outputs).map((path) => basename(path));
const script = outputs.find((name) => name.endsWith(".js"));
const style = outputs.find((name) => name.endsWith(".css"));
if (!script || !style) throw new Error("the bundle has no script or no style sheet");

const page = readFileSync(join(here, "static/index.html"), "utf8");
writeFileSync(join(out, "index.html"), page.replace("/console.js", `/${script}`).replace("/console.css", `/${style}`));
for (const name of readdirSync(join(here, "static"))) {
  if (name !== "index.html") copyFileSync(join(here, "static", name), join(out, name));
}
// liftd serves "name.gz" beside "name" to browsers that take it.
for (const name of readdirSync(out)) {
  if (/\.(js|css|html|svg)$/.test(name)) writeFileSync(join(out, `${name}.gz`), gzipSync(readFileSync(join(out, name)), { level: 9 }));
}
const bytes = result.metafile.outputs;
const total = Object.entries(bytes).filter(([p]) => !p.endsWith(".map")).reduce((sum, [, o]) => sum + o.bytes, 0);
console.log(`console: ${script}, ${style}, ${Math.round(total / 1024)} KiB`);
