/**
 * Forms with files of any size: a page that shows the progress, and a handler that writes each
 * file to disk as it arrives. Nothing is kept in memory, and the client sends no faster than the
 * disk takes the files. `request.formData()` is shorter where forms are small.
 *
 * ```sh
 * deno run --allow-net --allow-read --allow-write examples/multipart.ts [port] [folder] [bytes]
 * curl -i -F note=holiday -F file=@a.jpg -F file=@b.jpg http://127.0.0.1:8080/files
 * ```
 *
 * Or open http://127.0.0.1:8080/ in a browser. Without a folder argument, files are written to
 * a new temporary folder. A file may have that many bytes, 1 GiB by default.
 *
 * Either all files of a form are stored, or none: a form that fails, is over a limit, or is cut
 * by a second signal leaves no part behind. Those of a killed process are removed at the next
 * start, so that only one process may use a folder at a time.
 */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { AsyncHttpServer, type Request, streaming } from "@asynchttp/server";
import { Busboy, type BusboyFileStream } from "npm:@fastify/busboy@3";

const FOLDER = Deno.args[1] ?? await Deno.makeTempDir({ prefix: "multipart-" });
const MAX_FORM_BYTES = 4 * 1024 ** 3;
const LIMITS = {
  fileSize: Number(Deno.args[2] ?? 1024 ** 3),
  files: 20,
  fields: 10,
  fieldSize: 10_000,
  headerPairs: 20,
  headerSize: 8192,
};
/**
 * What is more than a name on Windows: a stream of a file (`a.txt::$DATA` is `a.txt`), a second
 * spelling (`a.txt.`, `LONGNA~1.TXT`), a device in every folder (`NUL`, `con.txt`), a pattern
 * (https://learn.microsoft.com/windows/win32/fileio/naming-a-file).
 */
const MORE_ON_WINDOWS =
  /[<>:"|?*\p{Cc}]|~\d|[. ]$|^(aux|con|conin\$|conout\$|nul|prn|(com|lpt)[\d¹²³]) *(\.|$)/iu;
/** A file whose form is not complete. No client can choose the name: it begins with a dot. */
const PART = /^\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.part$/;

/** A form that cannot be stored, with the status that says why. */
class FormError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

interface Stored {
  readonly name: string;
  readonly size: number;
  /** Where it is until the whole form has arrived. */
  readonly part: string;
}

const inProgress = new Set<Promise<unknown>>();

const PAGE = `<!doctype html>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Upload files</title>
<style>
  :root { color-scheme: light dark; --accent: light-dark(#2456c8, #8fb2ff); --line: light-dark(#dde1e8, #363c48); }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 0 auto; padding: 2rem 1.25rem;
    color: light-dark(#1b2230, #e6e9ef); background: light-dark(#fff, #14171d); accent-color: var(--accent); }
  h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1.5rem; }
  label, progress { display: block; margin-top: 1rem; }
  input, progress { width: 100%; box-sizing: border-box; }
  input { font: inherit; padding: .75rem 1rem; border: 1px solid var(--line); border-radius: 8px; }
  progress { height: .75rem; margin-top: 1.5rem; }
  button { font: inherit; margin-top: 1rem; padding: .5rem 1.25rem; border: 0; border-radius: 8px;
    color: light-dark(#fff, #14171d); background: var(--accent); cursor: pointer; }
  output { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; white-space: pre-line; }
</style>
<h1>Upload files</h1>
<form id="form">
  <label>Note <input name="note"></label>
  <label>Files <input id="files" name="file" type="file" multiple required></label>
  <button>Upload</button>
</form>
<progress id="progress" value="0" aria-label="Progress of the upload"></progress>
<p><output id="result">Choose files</output></p>
<script>
  const [form, progress, result] = document.querySelectorAll("#form, #progress, #result");
  const say = (text) => result.textContent = text;
  form.onsubmit = (event) => {
    event.preventDefault();
    const request = new XMLHttpRequest();
    request.upload.onprogress = ({ loaded, total }) => {
      progress.max = total || 1;
      progress.value = loaded;
      say(loaded + " of " + total + " bytes");
    };
    request.onload = () => {
      if (request.status >= 300) return say("Rejected: " + request.responseText);
      const { files } = JSON.parse(request.responseText);
      say("Done\\n" + files.map(({ name, size }) => name + ", " + size + " bytes").join("\\n"));
    };
    request.onerror = () => say("The connection was lost");
    request.open("POST", "/files");
    request.send(new FormData(form));
  };
</script>
`;

const handler = streaming(async (request) => {
  const path = request.target.split("?", 1)[0]!;
  if (path === "/" && request.method === "GET") {
    return await request.respond(200, PAGE, { "Content-Type": "text/html; charset=utf-8" });
  }
  if (path !== "/files") return await say(request, 404, "Not found");
  if (request.method !== "POST") return await say(request, 405, "Send a form with POST");
  const storing = store(request);
  inProgress.add(storing);
  try {
    const files = await storing;
    await request.respond(201, JSON.stringify({ files }) + "\n", {
      "Content-Type": "application/json",
    });
  } catch (error) {
    // Others are the server's to answer: a body over maxBody, a client that has gone.
    if (!(error instanceof FormError)) throw error;
    await say(request, error.status, error.message);
  } finally {
    inProgress.delete(storing);
  }
});

async function say(request: Request, code: number, text: string): Promise<void> {
  const headers = { "Content-Type": "text/plain; charset=utf-8" };
  await request.respond(code, text + "\n", code === 405 ? { ...headers, Allow: "POST" } : headers);
}

/** Stores all files of a form, or none. */
async function store(request: Request): Promise<{ name: string; size: number }[]> {
  request.maxBody = MAX_FORM_BYTES;
  const form = parserFor(request);
  const streams: BusboyFileStream[] = [];
  const writing: Promise<Stored>[] = [];
  form.on("file", (_field: string, stream: BusboyFileStream, fileName: string) => {
    // Without a listener the error of a form that ends within a file would end the process.
    stream.on("error", () => {});
    const written = write(stream, fileName);
    // A file that is not read on would hold the form up for ever.
    written.catch((error) => form.destroy(error));
    stream.on("limit", () => form.destroy(new FormError(413, `${fileName} is too large`)));
    streams.push(stream);
    writing.push(written);
  });
  try {
    await pipeline(Readable.fromWeb(request.stream as never), form);
    const files = await Promise.all(writing);
    for (const { part, name } of files) await Deno.rename(part, `${FOLDER}/${name}`);
    return files.map(({ name, size }) => ({ name, size }));
  } catch (error) {
    for (const stream of streams) stream.destroy();
    for (const written of await Promise.allSettled(writing)) {
      if (written.status === "fulfilled") await Deno.remove(written.value.part).catch(() => {});
    }
    throw isMalformed(error) ? new FormError(400, "The form is malformed") : error;
  }
}

/** Whether the parser has found the end of the body within a part. */
function isMalformed(error: unknown): boolean {
  return error instanceof Error && error.message.includes("multipart data");
}

function parserFor(request: Request): InstanceType<typeof Busboy> {
  const type = request.headers.get("content-type") ?? "";
  if (!/^multipart\/form-data\s*;.*boundary=/i.test(type)) {
    throw new FormError(415, "The form must be multipart/form-data");
  }
  const form = busboyFor(type);
  for (const limit of ["partsLimit", "filesLimit", "fieldsLimit"] as const) {
    form.on(limit, () => form.destroy(new FormError(413, "The form has too many parts")));
  }
  return form;
}

/** A boundary of more than 70 characters is none (RFC 2046, 5.1.1); Busboy throws at some. */
function busboyFor(type: string): InstanceType<typeof Busboy> {
  try {
    return new Busboy({ headers: { "content-type": type }, limits: LIMITS });
  } catch {
    throw new FormError(400, "The form is malformed");
  }
}

/** Writes a file of the form to a hidden file, and removes that if it does not arrive in full. */
async function write(stream: BusboyFileStream, name: string): Promise<Stored> {
  if (!isName(name)) throw new FormError(400, "Not a file name");
  const part = `${FOLDER}/.${crypto.randomUUID()}.part`;
  const file = await Deno.open(part, { write: true, createNew: true });
  try {
    // Waits for each chunk to be written, and closes the file in any case.
    await Readable.toWeb(stream).pipeTo(file.writable as never);
    if (stream.truncated) throw new FormError(413, `${name} is too large`);
    return { name, part, size: (await Deno.stat(part)).size };
  } catch (error) {
    await Deno.remove(part);
    throw error;
  }
}

/** Whether it is visible, no step and a single segment, and a name of the system. */
function isName(name: string | undefined): name is string {
  return name !== undefined && new TextEncoder().encode(name).length <= 255 &&
    /^[^.\/\\\p{Cc}][^\/\\\p{Cc}]*$/u.test(name) &&
    !(Deno.build.os === "windows" && MORE_ON_WINDOWS.test(name));
}

function removeParts(): void {
  for (const { name, isFile } of Deno.readDirSync(FOLDER)) {
    if (isFile && PART.test(name)) Deno.removeSync(`${FOLDER}/${name}`);
  }
}

const server = new AsyncHttpServer();
await server.serve(Number(Deno.args[0] ?? 8080), handler, {
  address: "127.0.0.1",
  onListen() {
    // Once the port is taken: a second process on it has failed by now, and leaves the parts of
    // the first alone.
    removeParts();
    console.log(`Writing to ${FOLDER}`);
    console.log(`Listening on http://127.0.0.1:${server.getPort()}/`);
  },
  handleSignals: true,
});
// A shutdown does not wait for handlers: those whose clients were cut remove their parts now.
await Promise.allSettled(inProgress);
