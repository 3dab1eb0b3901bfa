/**
 * Lines to stdout that hold nothing up.
 *
 * `console.log` writes synchronously: a pipe whose reader stalls stops every connection with it.
 * Here one write is under way at a time, and takes all lines that have come meanwhile. A reader
 * that stays slow costs lines, not memory, and a warning is printed when it reads again. Workers
 * of a cluster write through their master in the same way: a master that waited for its stdout
 * would block them.
 */
import { warn } from "../warn.ts";

/** The most that waits for the reader, in bytes; lines count as ASCII. */
const MAX_WAITING = 1_048_576;

/** How long a reader may take nothing before it counts as stalled, in milliseconds. */
const STALLED_MS = 1000;

const encoder = new TextEncoder();

/** What waits, in order; the last lines are not encoded yet. */
const pieces: Uint8Array[] = [];
let lines = "";
let waiting = 0;
let dropped = 0;
/** When the write that is under way has begun; null if there is none. */
let writingSince: number | null = null;

/** Writes a line, soon. Never throws; what stdout does not take is lost. */
export function writeToStdout(line: string): void {
  if (waiting + line.length >= MAX_WAITING) return void dropped++;
  lines += `${line}\n`;
  added(line.length + 1);
}

/** Writes what another process has printed, in the same way. */
export function passToStdout(text: Uint8Array): void {
  if (text.length === 0) return;
  if (waiting + text.length > MAX_WAITING) return void (dropped += linesIn(text));
  encodeLines();
  pieces.push(text);
  added(text.length);
}

function linesIn(text: Uint8Array): number {
  return text.reduce((count, byte) => byte === NEWLINE ? count + 1 : count, 0);
}

const NEWLINE = 0x0a;

function added(size: number): void {
  waiting += size;
  if (writingSince === null) void drain();
}

function encodeLines(): void {
  if (lines === "") return;
  const bytes = encoder.encode(lines);
  pieces.push(bytes);
  waiting += bytes.length - lines.length;
  lines = "";
}

/** Takes what waits longest, which is the caller's to write then. */
function next(): Uint8Array | undefined {
  encodeLines();
  const bytes = pieces.shift();
  waiting -= bytes?.length ?? 0;
  return bytes;
}

async function drain(): Promise<void> {
  writingSince = performance.now();
  // Lines of the same turn share the first write.
  await null;
  for (let bytes; (bytes = next()) !== undefined;) {
    await writeAll(bytes);
    if (dropped > 0) warn(`${dropped} log lines were dropped: stdout is read too slowly`);
    dropped = 0;
  }
  writingSince = null;
}

async function writeAll(bytes: Uint8Array): Promise<void> {
  try {
    for (let written = 0; written < bytes.length;) {
      writingSince = performance.now();
      written += await Deno.stdout.write(bytes.subarray(written));
    }
  } catch {
    // The reader is gone (EPIPE); a server outlives the reader of its log.
  }
}

/** Whether a write has been under way for so long that another one would wait for ever. */
function isStalled(): boolean {
  return writingSince !== null && performance.now() - writingSince > STALLED_MS;
}

// Deno.exit does not wait for a write; without this it loses what has come since the last one.
globalThis.addEventListener("unload", () => {
  if (isStalled()) return;
  try {
    for (let bytes; (bytes = next()) !== undefined;) Deno.stdout.writeSync(bytes);
  } catch {
    // As above.
  }
});
