/**
 * Mutants that no test can kill, because they are no mistakes: what they compute is the same,
 * or differs only in time or memory that nothing promises.
 */
import type { Mutant } from "./mutants.ts";

/** One of them, by the line of code rather than its number. */
interface Equivalent {
  readonly file: string;
  readonly code: string;
  /** The line before it, where the line alone could be another. */
  readonly before?: string;
  readonly from: string;
  readonly to: string;
  readonly why: string;
}

const MOVED_IN_PLACE = "data that is where it belongs is moved onto itself";
const JOINED_EARLIER =
  "the data is moved to where its size line stood, instead of staying: the same bytes, in the same memory";
const NEXT_CASE =
  "the next case is that of the state just set, and does nothing without input: the loop would come to it";

const READ_SIZE =
  "if (this.#digits > 0 || !this.#readPlainLine(input, maxBody)) this.#readSize(input);";
const DIGITS = "for (; at < last && HEX_VALUE[bytes[at]!]! <= 15; at++) {";
const LINE_END = "return at + 1 < end && bytes[at] === CR && bytes[at + 1] === LF;";
const MOVE = "if (end - start > 32) bytes.copyWithin(to, start, end);";

/** Mutants of the shortcuts of chunked.ts that take the longer way to the same bytes. */
const SHORTCUTS: readonly (readonly [code: string, from: string, to: string])[] = [
  [
    "this.#maxPlainLine = Math.min(MAX_SIZE_DIGITS, limits.chunkLine);",
    "this.#maxPlainLine = Math.min(MAX_SIZE_DIGITS, limits.chunkLine);",
    ";",
  ],
  [
    'this.#state = isLineEnd(input, input.start) ? "size" : "data carriage return";',
    "isLineEnd(input, input.start)",
    "false",
  ],
  [READ_SIZE, "this.#digits > 0 || !this.#readPlainLine(input, maxBody)", "true"],
  [READ_SIZE, ">", ">="],
  [
    "if (at === start || !isLineEnd(input, at)) return false;",
    "at === start || !isLineEnd(input, at)",
    "true",
  ],
  ["const last = Math.min(end, start + this.#maxPlainLine);", "+", "-"],
  [DIGITS, "at < last && HEX_VALUE[bytes[at]!]! <= 15", "false"],
  [DIGITS, "<", ">="],
  [DIGITS, "<=", "<"],
  [DIGITS, "<=", ">"],
  [DIGITS, "15", "16"],
  [DIGITS, "15", "14"],
  [DIGITS, "at++", "at--"],
  [LINE_END, "1", "2"],
  [LINE_END, "1", "0"],
  [MOVE, "end - start > 32", "true"],
  [MOVE, "end - start > 32", "false"],
  [MOVE, ">", ">="],
  [MOVE, ">", "<="],
  [MOVE, "-", "+"],
  [MOVE, "32", "33"],
  [MOVE, "32", "31"],
  ["else for (let at = start; at < end;) bytes[to++] = bytes[at++]!;", "<", "<="],
];

/** All of them; found by `deno task mutate`. */
export const EQUIVALENTS: readonly Equivalent[] = [
  {
    file: "request_framing.ts",
    code: "if (host === lastHost) return host;",
    from: "host === lastHost",
    to: "false",
    why: "the host is validated again, which only takes time",
  },
  {
    file: "response_framing.ts",
    code: 'return method === "CONNECT" && status >= 200 && status < 300;',
    from: "200",
    to: "199",
    why: "interim responses are framed elsewhere: no final status is below 200",
  },
  {
    file: "message_framing.ts",
    code: 'if (values.length === 1 && values[0] === "keep-alive") return KEEP_ALIVE;',
    from: "0",
    to: "1",
    why: "the list that is read instead is the same, only made anew",
  },
  {
    file: "message_framing.ts",
    code: "if (values.length === 0) return NONE;",
    from: "values.length === 0",
    to: "false",
    why: "no fields are one empty member then, which is no option that is looked for",
  },
  {
    file: "message_framing.ts",
    code: 'const [name = "", ...parameters] = coding.split(";").map((part) => trimmed(part));',
    from: '""',
    to: '"mutant"',
    why: "a split has at least one part: the default is there for the types",
  },
  {
    file: "chunked.ts",
    code: "if (to < start) move(bytes, start, start + count, to);",
    from: "to < start",
    to: "true",
    why: MOVED_IN_PLACE,
  },
  {
    file: "chunked.ts",
    code: "if (to < start) move(bytes, start, start + count, to);",
    from: "<",
    to: "<=",
    why: MOVED_IN_PLACE,
  },
  {
    file: "chunked.ts",
    code: "if (to === from) from = to = input.start;",
    from: "to === from",
    to: "false",
    why: JOINED_EARLIER,
  },
  {
    file: "chunked.ts",
    code: "if (to === from) from = to = input.start;",
    from: "from = to = input.start;",
    to: ";",
    why: JOINED_EARLIER,
  },
  {
    file: "chunked.ts",
    code: '#extension: ExtensionPlace = "semicolon";',
    from: '"semicolon"',
    to: '""',
    why: "set at each semicolon behind a size, before it is first read",
  },
  {
    file: "chunked.ts",
    code: "break;",
    before: 'this.#state = "size";',
    from: "break;",
    to: ";",
    why: NEXT_CASE,
  },
  {
    file: "chunked.ts",
    code: "break;",
    before: "if (!this.#readTrailers(input)) return false;",
    from: "break;",
    to: ";",
    why: NEXT_CASE,
  },
  {
    file: "chunked.ts",
    code: "if (digit > 15) return this.#endSize(byte);",
    from: "15",
    to: "16",
    why: "the table has 0 to 15, and 255 for every other byte",
  },
  {
    file: "message_framing.ts",
    code: "for (let i = 0; i < length; i++) {",
    from: "<",
    to: "<=",
    why: "the field behind the last one has no length, which is NaN, and no case",
  },
  {
    file: "message_framing.ts",
    code: "break;",
    from: "break;",
    to: ";",
    why: "the only switch: its next cases compare with names of another length",
  },
  ...["false", "0"].map((to) => ({
    file: "message_framing.ts",
    code: 'if (values.length === 1 && values[0] === "keep-alive") return KEEP_ALIVE;',
    from: to === "0" ? "1" : 'values.length === 1 && values[0] === "keep-alive"',
    to,
    why: "a shortcut: what follows returns the same list, newly made",
  })),
  ...SHORTCUTS.map(([code, from, to]) => ({
    file: "chunked.ts",
    code,
    from,
    to,
    why: "a shortcut that is not taken, or another way to move the same bytes",
  })),
];

/** Returns why no test can kill the mutant; undefined if one should. */
export function whyEquivalent(mutant: Mutant): string | undefined {
  return EQUIVALENTS.find(({ file, code, before = mutant.before, from, to }) =>
    file === mutant.file && code === mutant.code && before === mutant.before &&
    from === mutant.from && to === mutant.to
  )?.why;
}
