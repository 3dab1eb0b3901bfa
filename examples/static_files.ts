/**
 * The files of a folder: streamed, in part if the client asks for a range, and not at all
 * if the client has them already.
 *
 * ```sh
 * deno run --allow-net --allow-read examples/static_files.ts [port] [folder] [flags]
 * curl -i --range 0-99 http://127.0.0.1:8080/README.md
 * ```
 *
 * The response to a folder is its `index.html`, or 404. Files and folders whose name begins with
 * a dot are 404 too: `.git/` and `.env` hold what clients must not see. The exception is
 * `/.well-known/`, whose content is meant for clients (RFC 8615).
 *
 * - `--listing` lists a folder that has no `index.html`.
 * - `--dotfiles` serves files and folders whose name begins with a dot.
 */
import { AsyncHttpServer, type Request } from "@asynchttp/server";

const IS_WINDOWS = Deno.build.os === "windows";
const SEPARATOR = IS_WINDOWS ? "\\" : "/";
const FLAGS = Deno.args.filter(isFlag);
const [PORT = "8080", FOLDER = "."] = Deno.args.filter((arg) => !isFlag(arg));
const unknown = FLAGS.find((flag) => flag !== "--listing" && flag !== "--dotfiles");
if (unknown !== undefined) {
  throw new TypeError(`Unknown flag "${unknown}": want "--listing" or "--dotfiles"`);
}
const ROOT = asFolder(await Deno.realPath(FOLDER));
const CHUNK_BYTES = 65_536;

const TYPES = new Map([
  ["css", "text/css; charset=utf-8"],
  ["html", "text/html; charset=utf-8"],
  ["jpg", "image/jpeg"],
  ["js", "text/javascript; charset=utf-8"],
  ["json", "application/json"],
  ["md", "text/markdown; charset=utf-8"],
  ["pdf", "application/pdf"],
  ["png", "image/png"],
  ["svg", "image/svg+xml"],
  ["ts", "text/plain; charset=utf-8"],
  ["txt", "text/plain; charset=utf-8"],
]);

const LISTING_HEAD = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<style>
  :root { color-scheme: light dark; --accent: light-dark(#2456c8, #8fb2ff); --line: light-dark(#dde1e8, #363c48); }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 0 auto; padding: 2rem 1.25rem;
    color: light-dark(#1b2230, #e6e9ef); background: light-dark(#fff, #14171d); }
  h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1.5rem; overflow-wrap: anywhere; }
  ul { list-style: none; padding: 0; }
  li { border-bottom: 1px solid var(--line); }
  a { display: block; padding: .6rem .5rem; color: var(--accent); text-decoration: none; overflow-wrap: anywhere; }
  a[href$="/"] { font-weight: 600; }
  a:hover, a:focus-visible { background: light-dark(#eef1f6, #232833); }
</style>
`;

/**
 * What is more than a name on Windows: a stream of a file (`a.txt::$DATA` is `a.txt`), a second
 * spelling (`a.txt.`), a device in every folder (`NUL`, `con.txt`), a pattern
 * (https://learn.microsoft.com/windows/win32/fileio/naming-a-file).
 */
const MORE_ON_WINDOWS =
  /[<>:"|?*\p{Cc}]|[. ]$|^(aux|con|conin\$|conout\$|nul|prn|(com|lpt)[\d¹²³]) *(\.|$)/iu;

/** System error codes for a path that is missing or not accessible. */
const ABSENT = ["ENOENT", "ENOTDIR", "EACCES", "EPERM", "ELOOP", "ENAMETOOLONG"];

function isFlag(arg: string): boolean {
  return arg.startsWith("--");
}

async function handler(request: Request): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return await say(request, 405, "Method not allowed", { Allow: "GET, HEAD" });
  }
  const path = request.target.split("?", 1)[0]!;
  const segments = segmentsOf(path);
  if (segments === null) return await say(request, 400, "Bad path");
  try {
    await send(request, segments, path);
  } catch (error) {
    if (!isAbsent(error)) throw error;
    await say(request, 404, "Not found");
  }
}

function isAbsent(error: unknown): boolean {
  return ABSENT.includes((error as { code?: string }).code ?? "");
}

function say(request: Request, code: number, text: string, headers = {}): Promise<void> {
  return request.respond(code, text + "\n", {
    "Content-Type": "text/plain; charset=utf-8",
    ...headers,
  });
}

/**
 * Returns the parts between the slashes; null if one of them could be more than a name.
 *
 * Reads the target, not `request.url`, in which `..` and `%2e%2e` have already been resolved.
 * An encoded slash or backslash would become a separator, an empty name would turn `//host`
 * into a redirect to another host, and absolute-form is meant for a proxy.
 */
function segmentsOf(path: string): string[] | null {
  if (!path.startsWith("/")) return null;
  try {
    const segments = path.slice(1).split("/").map(decodeURIComponent);
    const names = path.endsWith("/") ? segments.slice(0, -1) : segments;
    return names.every(isName) ? segments : null;
  } catch {
    return null; // a percent sign that encodes nothing
  }
}

function isName(segment: string): boolean {
  return !["", ".", ".."].includes(segment) &&
    !["/", "\\", "\0"].some((char) => segment.includes(char)) &&
    !(IS_WINDOWS && MORE_ON_WINDOWS.test(segment));
}

async function send(request: Request, segments: string[], path: string): Promise<void> {
  const real = await locate(segments);
  if (real === null) return await say(request, 404, "Not found");
  const { isFile, isDirectory } = await Deno.stat(real);
  const asksForFolder = path.endsWith("/");
  if (isFile && !asksForFolder) return await sendFile(request, real);
  if (isDirectory && asksForFolder) return await sendFolder(request, real, segments);
  // Anything else is not opened: opening a pipe would wait for a writer.
  if (!isDirectory) return await say(request, 404, "Not found");
  const query = request.target.slice(path.length);
  await say(request, 301, "Moved permanently", { Location: `${path}/${query}` });
}

/**
 * Returns the real path of a file or folder; null if it must not be served.
 *
 * Checks the requested path, since a hidden link may lead to a visible file, and the real one: a
 * symbolic link may lead out of the folder or to a dotfile, and a file system may know a dotfile
 * by a second name (`GIT~1` is `.git` on NTFS).
 */
async function locate(segments: readonly string[]): Promise<string | null> {
  if (isHidden(segments)) return null;
  const real = await Deno.realPath(ROOT + segments.join("/"));
  if (!asFolder(real).startsWith(ROOT)) return null;
  return isHidden(real.slice(ROOT.length).split(SEPARATOR)) ? null : real;
}

/**
 * Whether a name begins with a dot; `.well-known` may, at the root only (RFC 8615, 3). What is
 * invisible is skipped: to HFS+ of macOS, U+200C in front of `.git` is no part of the name.
 */
function isHidden(names: readonly string[]): boolean {
  if (FLAGS.includes("--dotfiles")) return false;
  return names.some((name, depth) =>
    /^\p{Default_Ignorable_Code_Point}*\./u.test(name) &&
    !(depth === 0 && name === ".well-known")
  );
}

function asFolder(path: string): string {
  return path.endsWith(SEPARATOR) ? path : path + SEPARATOR;
}

async function sendFolder(request: Request, folder: string, segments: string[]): Promise<void> {
  const names = segments.slice(0, -1);
  const index = await locateFile([...names, "index.html"]);
  if (index !== null) return await sendFile(request, index);
  if (FLAGS.includes("--listing")) return await sendListing(request, folder, names);
  await say(request, 404, "Not found");
}

async function locateFile(segments: readonly string[]): Promise<string | null> {
  try {
    const real = await locate(segments);
    return real !== null && (await Deno.stat(real)).isFile ? real : null;
  } catch (error) {
    if (!isAbsent(error)) throw error;
    return null;
  }
}

async function sendListing(request: Request, folder: string, parents: string[]): Promise<void> {
  const all = await Array.fromAsync(Deno.readDir(folder));
  const entries = all.filter(({ name }) => !isHidden([...parents, name]));
  entries.sort((a, b) => +b.isDirectory - +a.isDirectory || (a.name < b.name ? -1 : 1));
  const items = entries.map(({ name, isDirectory }) => {
    const slash = isDirectory ? "/" : "";
    return `<li><a href="${encodeURIComponent(name)}${slash}">${escaped(name)}${slash}</a></li>\n`;
  });
  const title = escaped(`Files in ${["", ...parents, ""].join("/")}`);
  const up = parents.length > 0 ? `<li><a href="../">../</a></li>\n` : "";
  const page = `${LISTING_HEAD}<title>${title}</title>\n<h1>${title}</h1>\n` +
    `<ul>\n${up}${items.join("")}</ul>\n</html>\n`;
  await request.respond(200, page, { "Content-Type": "text/html; charset=utf-8" });
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

async function sendFile(request: Request, path: string): Promise<void> {
  // Closed when this function ends, also if the client disconnects: `respond` rejects then.
  using file = await Deno.open(path);
  const { size, mtime } = await file.stat();
  const etag = `"${size.toString(16)}-${Number(mtime).toString(16)}"`;
  // In whole seconds, and not in the future (RFC 9110, 8.8.2.1).
  const modified = Math.floor(Math.min(Number(mtime), Date.now()) / 1000) * 1000;
  const validators = { "ETag": etag, "Last-Modified": new Date(modified).toUTCString() };

  const status = precondition(request.headers, etag, modified);
  if (status !== 200) return await request.respond(status, null, validators);

  const range = rangeOf(request, etag, size);
  if (range === "unsatisfiable") {
    return await say(request, 416, "Range not satisfiable", { "Content-Range": `bytes */${size}` });
  }
  const { first, last } = range ?? { first: 0, last: size - 1 };
  const length = last - first + 1;
  await file.seek(first, Deno.SeekMode.Start);
  await request.respond(range ? 206 : 200, ReadableStream.from(bytesOf(file, length)), {
    "Content-Type": typeOf(path),
    "Content-Length": String(length),
    ...(range && { "Content-Range": `bytes ${first}-${last}/${size}` }),
    "Accept-Ranges": "bytes",
    ...validators,
  });
}

function typeOf(path: string): string {
  const extension = path.slice(path.lastIndexOf(".") + 1).toLowerCase();
  return TYPES.get(extension) ?? "application/octet-stream";
}

/** Ends early if the file has become shorter: the server notices, and closes the connection. */
async function* bytesOf(file: Deno.FsFile, length: number): AsyncGenerator<Uint8Array> {
  for (let left = length; left > 0;) {
    const chunk = new Uint8Array(Math.min(left, CHUNK_BYTES));
    const count = await file.read(chunk);
    if (count === null) return;
    left -= count;
    yield chunk.subarray(0, count);
  }
}

/** Evaluates the conditions in the order of RFC 9110, 13.2.2; an invalid date compares as false, and is ignored. */
function precondition(headers: Headers, etag: string, modified: number): 200 | 304 | 412 {
  const ifMatch = headers.get("If-Match");
  const matches = ifMatch === null
    ? !(dateOf(headers.get("If-Unmodified-Since")) < modified)
    : tagsIn(ifMatch, etag).includes(etag);
  if (!matches) return 412;

  const ifNoneMatch = headers.get("If-None-Match");
  const known = ifNoneMatch === null
    ? dateOf(headers.get("If-Modified-Since")) >= modified
    : tagsIn(ifNoneMatch, etag).some((tag) => tag.replace(/^W\//, "") === etag);
  return known ? 304 : 200;
}

/** Returns the tags of a list; an asterisk stands for the current one (RFC 9110, 13.1.1). */
function tagsIn(list: string, current: string): string[] {
  return list.trim() === "*" ? [current] : list.match(/(?:W\/)?"[^"]*"/g) ?? [];
}

/** Parses an HTTP-date in one of its three forms (RFC 9110, 5.6.7), of which the last has no GMT. */
function dateOf(text: string | null): number {
  const form = /^[A-Z][a-z]+,? [\w -]+ \d\d:\d\d:\d\d( GMT| \d{4})$/.exec(text ?? "");
  return form === null ? NaN : Date.parse(form[1] === " GMT" ? form[0] : `${form[0]} GMT`);
}

/**
 * Returns the requested range; null for the whole file. Several ranges, and units that a
 * server need not understand, also mean the whole file (RFC 9110, 14.2).
 *
 * So does a date in If-Range: a file can change twice within a second, and a client that has
 * a tag must not send a date (RFC 9110, 13.1.5).
 */
function rangeOf(
  { method, headers }: Request,
  etag: string,
  size: number,
): { first: number; last: number } | "unsatisfiable" | null {
  const range = /^bytes=(\d*)-(\d*)$/i.exec(headers.get("Range") ?? "");
  if (method !== "GET" || range === null || (headers.get("If-Range") ?? etag) !== etag) return null;
  const [, from = "", to = ""] = range;
  if (from === "" ? to === "" || size === 0 : to !== "" && Number(to) < Number(from)) return null;
  const first = from === "" ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === "" || to === "" ? size - 1 : Math.min(Number(to), size - 1);
  return first < size ? { first, last } : "unsatisfiable";
}

const server = new AsyncHttpServer();
const serving = server.serve(Number(PORT), handler, { address: "127.0.0.1" });
console.log(`Listening on http://127.0.0.1:${server.getPort()}/`);
await serving;
