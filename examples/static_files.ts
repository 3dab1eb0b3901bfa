/**
 * The files of a folder: streamed, in part if the client asks for a range, and not at all
 * if the client has them already.
 *
 * ```sh
 * deno run --allow-net --allow-read examples/static_files.ts [port] [folder]
 * curl -i http://127.0.0.1:8080/
 * curl -i --range 0-99 http://127.0.0.1:8080/README.md
 * ```
 */
import { AsyncHttpServer, type Request } from "@asynchttp/server";

const ROOT = asFolder(await Deno.realPath(Deno.args[1] ?? "."));
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

/** System error codes for a path that is missing or not accessible. */
const ABSENT = ["ENOENT", "ENOTDIR", "EACCES", "EPERM", "ELOOP", "ENAMETOOLONG"];

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
    if (!ABSENT.includes((error as { code?: string }).code ?? "")) throw error;
    await say(request, 404, "Not found");
  }
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
    !["/", "\\", "\0"].some((char) => segment.includes(char));
}

async function send(request: Request, segments: string[], path: string): Promise<void> {
  const real = await Deno.realPath(ROOT + segments.join("/"));
  // A symbolic link may lead out of the folder.
  if (!asFolder(real).startsWith(ROOT)) return await say(request, 404, "Not found");
  const { isFile, isDirectory } = await Deno.stat(real);
  const asksForFolder = path.endsWith("/");
  if (isFile && !asksForFolder) return await sendFile(request, real);
  if (isDirectory && asksForFolder) return await sendListing(request, real, path);
  // Anything else is not opened: opening a pipe would wait for a writer.
  if (!isDirectory) return await say(request, 404, "Not found");
  const query = request.target.slice(path.length);
  await say(request, 301, "Moved permanently", { Location: `${path}/${query}` });
}

function asFolder(path: string): string {
  const separator = Deno.build.os === "windows" ? "\\" : "/";
  return path.endsWith(separator) ? path : path + separator;
}

async function sendListing(request: Request, folder: string, path: string): Promise<void> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  entries.sort((a, b) => +b.isDirectory - +a.isDirectory || (a.name < b.name ? -1 : 1));
  const items = entries.map(({ name, isDirectory }) => {
    const slash = isDirectory ? "/" : "";
    return `<li><a href="${encodeURIComponent(name)}${slash}">${escaped(name)}${slash}</a></li>\n`;
  });
  const title = escaped(`Files in ${decodeURIComponent(path)}`);
  const page = `<!doctype html>\n<meta charset="utf-8">\n<title>${title}</title>\n` +
    `<h1>${title}</h1>\n<ul>\n${items.join("")}</ul>\n`;
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
const serving = server.serve(Number(Deno.args[0] ?? 8080), handler, { address: "127.0.0.1" });
console.log(`Listening on http://127.0.0.1:${server.getPort()}/`);
await serving;
