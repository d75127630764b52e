// precompress.mjs FROM TO : copies the built page to TO/html/app with a .gz beside each text, and the
// hashed texts once more to TO/br/app, there under their own names but compressed by brotli: nginx has
// no brotli of its own, and so needs none.

import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const [from, to] = process.argv.slice(2);
if (!from || !to) throw new Error("usage: precompress.mjs FROM TO");

const TEXT = /\.(css|html|js|svg)$/;
// What default.conf looks for below br; the two must agree.
const HASHED = /^assets\/.+\.(css|js|svg)$/;

await cp(from, join(to, "html/app"), { recursive: true });
let files = 0;
let [before, gzip, brotli] = [0, 0, 0];
for (const entry of await readdir(from, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath ?? entry.path, entry.name);
  const name = relative(from, path);
  if (!entry.isFile() || !TEXT.test(name)) continue;
  const text = await readFile(path);
  const zipped = gzipSync(text, { level: 9 });
  await writeFile(join(to, "html/app", `${name}.gz`), zipped);
  if (!HASHED.test(name)) continue;
  const target = join(to, "br/app", name);
  await mkdir(dirname(target), { recursive: true });
  const small = brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: text.length } });
  await writeFile(target, small);
  files += 1;
  before += text.length;
  gzip += zipped.length;
  brotli += small.length;
}
if (files === 0) throw new Error(`${from}: there are no hashed assets to compress`);
console.log(`${files} assets: ${before} bytes, ${gzip} by gzip, ${brotli} by brotli`);
