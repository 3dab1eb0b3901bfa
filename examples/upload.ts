/**
 * Uploads of any size: a page that shows the progress, and a handler that reads no faster
 * than the disk takes the file, so that the client sends no faster either.
 *
 * ```sh
 * deno run --allow-net --allow-read --allow-write examples/upload.ts [port] [folder]
 * curl -i -T movie.mp4 http://127.0.0.1:8080/files/
 * ```
 *
 * Or open http://127.0.0.1:8080/ in a browser. Without a folder argument, files are written to
 * a new temporary folder.
 *
 * SIGTERM and SIGINT cut the uploads in progress and remove their parts. A process that is killed
 * leaves its parts behind; the next one removes them when it starts, so that only one process may
 * use a folder at a time.
 */
import { AsyncHttpServer, type Request, streaming } from "@asynchttp/server";

const FOLDER = Deno.args[1] ?? await Deno.makeTempDir({ prefix: "upload-" });
const MAX_FILE_BYTES = 64 * 1024 ** 3;
/** The limit of the usual file systems. */
const MAX_NAME_BYTES = 255;
/**
 * What is more than a name on Windows: a stream of a file (`a.txt::$DATA` is `a.txt`), a second
 * spelling (`a.txt.`, `LONGNA~1.TXT`), a device in every folder (`NUL`, `con.txt`), a pattern
 * (https://learn.microsoft.com/windows/win32/fileio/naming-a-file).
 */
const MORE_ON_WINDOWS =
  /[<>:"|?*\p{Cc}]|~\d|[. ]$|^(aux|con|conin\$|conout\$|nul|prn|(com|lpt)[\d¹²³]) *(\.|$)/iu;
/** An upload that is not complete. No client can choose the name: it begins with a dot. */
const PART = /^\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.part$/;

const inProgress = new Set<Promise<unknown>>();

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Upload</title>
<style>
  :root { color-scheme: light dark; --accent: light-dark(#2456c8, #8fb2ff); --line: light-dark(#dde1e8, #363c48); }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 0 auto; padding: 2rem 1.25rem;
    color: light-dark(#1b2230, #e6e9ef); background: light-dark(#fff, #14171d); accent-color: var(--accent); }
  h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1.5rem; }
  input, progress { width: 100%; box-sizing: border-box; }
  input { font: inherit; padding: 1.5rem 1rem; border: 2px dashed var(--line); border-radius: 12px; }
  input::file-selector-button { font: inherit; margin-right: 1rem; padding: .4rem 1rem; border: 0;
    border-radius: 8px; color: light-dark(#fff, #14171d); background: var(--accent); cursor: pointer; }
  progress { height: .75rem; margin-top: 1.5rem; }
  output { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
</style>
<h1><label for="file">Upload a file</label></h1>
<input type="file" id="file">
<progress id="progress" value="0" aria-label="Progress of the upload"></progress>
<p><output id="result">Choose a file, or drop one above</output></p>
<script>
  const [file, progress, result] = document.querySelectorAll("#file, #progress, #result");
  const say = (text) => result.textContent = text;
  file.onchange = () => {
    const [chosen] = file.files;
    if (chosen === undefined) return;
    const request = new XMLHttpRequest();
    request.upload.onprogress = ({ loaded, total }) => {
      progress.max = total || 1;
      progress.value = loaded;
      say(loaded + " of " + total + " bytes");
    };
    request.onload = () => {
      if (request.status >= 300) return say("Rejected: " + request.responseText);
      const { name, size } = JSON.parse(request.responseText);
      say("Done: " + name + ", " + size + " bytes");
    };
    request.onerror = () => say("The connection was lost");
    request.open("PUT", "/files/" + encodeURIComponent(chosen.name));
    request.send(chosen);
  };
</script>
`;

const handler = streaming(async (request) => {
  const path = request.target.split("?", 1)[0]!;
  if (path === "/") return await sendPage(request);
  if (path.startsWith("/files/")) return await upload(request, path.slice("/files/".length));
  await say(request, 404, "Not found");
});

function say(request: Request, code: number, text: string, headers = {}): Promise<void> {
  return request.respond(code, text + "\n", {
    "Content-Type": "text/plain; charset=utf-8",
    ...headers,
  });
}

async function sendPage(request: Request): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return await say(request, 405, "Method not allowed", { Allow: "GET, HEAD" });
  }
  await request.respond(200, PAGE, { "Content-Type": "text/html; charset=utf-8" });
}

async function upload(request: Request, encodedName: string): Promise<void> {
  if (request.method !== "PUT") {
    return await say(request, 405, "Method not allowed", { Allow: "PUT" });
  }
  const name = nameIn(encodedName);
  if (name === null) return await say(request, 400, "Not a file name");
  // RFC 9110, 14.5: a server without support for partial PUT must not store a part as the whole.
  if (request.headers.has("Content-Range")) return await say(request, 400, "Not a whole file");
  const storing = store(request, name);
  inProgress.add(storing);
  const { size, created } = await storing.finally(() => inProgress.delete(storing));
  await request.respond(created ? 201 : 200, JSON.stringify({ name, size }) + "\n", {
    "Content-Type": "application/json",
    "Location": `/files/${encodeURIComponent(name)}`,
  });
}

/** Decodes one segment of a path; null if it is hidden, a step, or no name of the system. */
function nameIn(encoded: string): string | null {
  try {
    const name = decodeURIComponent(encoded);
    const { length } = new TextEncoder().encode(name);
    const isName = length > 0 && length <= MAX_NAME_BYTES &&
      /^[^.\/\\\p{Cc}][^\/\\\p{Cc}]*$/u.test(name) &&
      !(Deno.build.os === "windows" && MORE_ON_WINDOWS.test(name));
    return isName ? name : null;
  } catch {
    return null; // a percent sign that encodes nothing
  }
}

/**
 * Writes the body to a hidden file that is renamed once it is complete, and removed if the
 * body does not arrive in full. Errors are rethrown: the server sends the client a response
 * if the client is at fault.
 */
async function store(request: Request, name: string): Promise<{ size: number; created: boolean }> {
  request.maxBody = MAX_FILE_BYTES;
  const part = `${FOLDER}/.${crypto.randomUUID()}.part`;
  const file = await Deno.open(part, { write: true, createNew: true });
  try {
    // Waits for each chunk to be written, and closes the file in any case.
    await request.stream.pipeTo(file.writable);
    const { size } = await Deno.stat(part);
    const path = `${FOLDER}/${name}`;
    const created = await Deno.lstat(path).then(() => false, () => true);
    await Deno.rename(part, path);
    return { size, created };
  } catch (error) {
    await Deno.remove(part);
    throw error;
  }
}

function removeParts(): void {
  for (const { name, isFile } of Deno.readDirSync(FOLDER)) {
    if (isFile && PART.test(name)) Deno.removeSync(`${FOLDER}/${name}`);
  }
}

/** Does not exit before `store` has removed the parts: `shutdown` does not wait for handlers. */
async function end(): Promise<void> {
  const { cut } = await server.shutdown({ grace: 0 });
  await Promise.allSettled(inProgress);
  console.log(`Connections cut: ${cut}`);
  Deno.exit();
}

const server = new AsyncHttpServer();
// Nothing sends SIGTERM on Windows; SIGBREAK is Ctrl+Break.
const TERMINATION = Deno.build.os === "windows" ? "SIGBREAK" : "SIGTERM";
for (const signal of ["SIGINT", TERMINATION] as const) Deno.addSignalListener(signal, end);
const serving = server.serve(Number(Deno.args[0] ?? 8080), handler, { address: "127.0.0.1" });
const port = server.getPort();
// Once the port is taken: a second process on it has failed by now, and leaves the parts of the
// first alone. Synchronous: no upload of this process has begun.
removeParts();
console.log(`Writing to ${FOLDER}`);
console.log(`Listening on http://127.0.0.1:${port}/`);
await serving;
