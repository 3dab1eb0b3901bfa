/**
 * Lines to stdout that hold nothing up.
 *
 * `console.log` writes synchronously: a pipe whose reader stalls stops every connection with it.
 * Here one write is under way at a time, and takes all lines that have come meanwhile. A reader
 * that is slow for long costs lines, not memory, and a warning once it reads again.
 */
import { warn } from "../warn.ts";

/** The most that waits for the reader, in characters, which are bytes where lines are ASCII. */
const MAX_WAITING = 1_048_576;

let waiting = "";
let dropped = 0;
let isWriting = false;

/** Writes a line, soon. Never throws; what stdout does not take is lost. */
export function writeToStdout(line: string): void {
  if (waiting.length + line.length >= MAX_WAITING) return void dropped++;
  waiting += `${line}\n`;
  if (!isWriting) void drain();
}

async function drain(): Promise<void> {
  isWriting = true;
  // Lines of the same turn share the first write.
  await null;
  while (waiting !== "") {
    const bytes = new TextEncoder().encode(waiting);
    waiting = "";
    await writeAll(bytes);
    if (dropped > 0) warn(`${dropped} log lines were dropped: stdout is read too slowly`);
    dropped = 0;
  }
  isWriting = false;
}

async function writeAll(bytes: Uint8Array): Promise<void> {
  try {
    for (let written = 0; written < bytes.length;) {
      written += await Deno.stdout.write(bytes.subarray(written));
    }
  } catch {
    // The reader is gone (EPIPE); a server outlives the reader of its log.
  }
}

// Deno.exit does not wait for a write; without this it loses what has come since the last one.
globalThis.addEventListener("unload", () => {
  try {
    Deno.stdout.writeSync(new TextEncoder().encode(waiting));
  } catch {
    // As above.
  }
});
