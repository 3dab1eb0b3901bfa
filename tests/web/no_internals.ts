/**
 * Takes away the symbols in which Deno keeps the state of its Web classes, as a future version
 * may: loaded before everything else, by `--preload`.
 */
const own = Object.getOwnPropertySymbols;
const CLASSES = [Request, Response, Headers];

Object.getOwnPropertySymbols = (value) =>
  CLASSES.some((each) => value instanceof each) ? [] : own(value);
