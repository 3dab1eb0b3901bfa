/**
 * ABNF (RFC 5234, with the case-sensitive strings of RFC 7405) as an automaton.
 *
 * The text of the RFCs is what is run: rules are parsed, compiled to a nondeterministic
 * automaton, and made deterministic while they are used. It shares nothing with the parser,
 * which has no grammar but tables and conditions.
 *
 * Only grammars without recursion are accepted; those of the subjects are regular.
 */

/** An element of a rule. */
type Element =
  | { readonly type: "range"; readonly from: number; readonly to: number }
  | { readonly type: "sequence"; readonly parts: readonly Element[] }
  | { readonly type: "choice"; readonly parts: readonly Element[] }
  | {
    readonly type: "repeat";
    readonly min: number;
    readonly max: number;
    readonly part: Element;
  }
  | { readonly type: "rule"; readonly name: string };

/** The rules of a grammar, by their names in lower case. */
export type Rules = ReadonlyMap<string, Element>;

/** Parses rules; a rule in a later text replaces the one of the same name in an earlier text. */
export function rulesOf(...texts: readonly string[]): Rules {
  const rules = new Map<string, Element>();
  for (const text of texts) {
    for (const definition of text.split(/\n(?=\S)/)) {
      const match = /^\s*([A-Za-z][\w-]*)\s*=\s*([^]*)$/.exec(definition);
      if (match === null) throw new SyntaxError(`Not a rule: ${definition}`);
      rules.set(match[1]!.toLowerCase(), new RuleParser(match[2]!).parse());
    }
  }
  return rules;
}

const TOKENS =
  /\s+|(%x[0-9A-Fa-f]+(?:-[0-9A-Fa-f]+)?|(?:%s)?"[^"]*"|\d*\*\d*|\d+|[A-Za-z][\w-]*|[()[\]/])/y;

/** Parses the right side of one rule (RFC 5234, 4). */
class RuleParser {
  readonly #tokens: string[] = [];

  constructor(text: string) {
    for (TOKENS.lastIndex = 0; TOKENS.lastIndex < text.length;) {
      const match = TOKENS.exec(text);
      if (match === null) throw new SyntaxError(`Not ABNF: ${text}`);
      if (match[1] !== undefined) this.#tokens.push(match[1]);
    }
  }

  parse(): Element {
    const element = this.#choice();
    if (this.#tokens.length > 0) throw new SyntaxError(`Left over: ${this.#tokens.join(" ")}`);
    return element;
  }

  #choice(): Element {
    const parts = [this.#sequence()];
    while (this.#tokens[0] === "/") {
      this.#tokens.shift();
      parts.push(this.#sequence());
    }
    return { type: "choice", parts };
  }

  #sequence(): Element {
    const parts: Element[] = [];
    while (this.#tokens.length > 0 && !/^[)/\]]$/.test(this.#tokens[0]!)) parts.push(this.#item());
    return { type: "sequence", parts };
  }

  #item(): Element {
    const [token] = this.#tokens;
    const match = /^(\d*)(\*?)(\d*)$/.exec(token!);
    if (match === null) return this.#single();
    this.#tokens.shift();
    const min = Number(match[1]);
    const max = match[2] === "" ? min : match[3] === "" ? Infinity : Number(match[3]);
    return { type: "repeat", min, max, part: this.#single() };
  }

  #single(): Element {
    const token = this.#tokens.shift()!;
    if (token === "(") return this.#closed(")");
    if (token === "[") return { type: "repeat", min: 0, max: 1, part: this.#closed("]") };
    if (token.startsWith("%x")) return range(token.slice(2));
    if (token.startsWith("%s")) return string(token.slice(3, -1), true);
    if (token.startsWith('"')) return string(token.slice(1, -1), false);
    if (/^[A-Za-z]/.test(token)) return { type: "rule", name: token.toLowerCase() };
    throw new SyntaxError(`Unexpected ${token}`);
  }

  #closed(bracket: string): Element {
    const element = this.#choice();
    if (this.#tokens.shift() !== bracket) throw new SyntaxError(`Expected ${bracket}`);
    return element;
  }
}

function range(text: string): Element {
  const [from, to = from] = text.split("-").map((digits) => parseInt(digits, 16));
  return { type: "range", from: from!, to: to! };
}

function string(text: string, sensitive: boolean): Element {
  const parts = Array.from(text, (char): Element => {
    const spellings = sensitive ? [char] : [char.toLowerCase(), char.toUpperCase()];
    const ranges = spellings.map((spelling): Element => {
      const code = spelling.charCodeAt(0);
      return { type: "range", from: code, to: code };
    });
    return { type: "choice", parts: ranges };
  });
  return { type: "sequence", parts };
}

/** A state of the nondeterministic automaton. */
interface State {
  readonly from: number;
  readonly to: number;
  /** Reached with a byte of the range. */
  readonly next: number;
  /** Reached without a byte. */
  readonly free: number[];
}

/** The state from which no input leads to a match. */
export const DEAD = 0;

/** Recognizes what one rule matches, byte after byte. */
export class Automaton {
  readonly start: number;
  readonly #rules: Rules;
  readonly #states: State[] = [];
  readonly #final: number;
  /** The deterministic states found so far: sets of states. */
  readonly #sets: (readonly number[])[] = [[]];
  readonly #ids = new Map<string, number>([["", DEAD]]);
  readonly #moves: Int32Array[] = [new Int32Array(256).fill(DEAD)];

  constructor(rules: Rules, name: string) {
    this.#rules = rules;
    this.#final = this.#state(-1, -1, -1);
    const first = this.#compile({ type: "rule", name: name.toLowerCase() }, this.#final, []);
    this.start = this.#idOf([first]);
  }

  /** Returns the state after `byte`. */
  step(state: number, byte: number): number {
    const moves = this.#moves[state]!;
    const known = moves[byte]!;
    if (known !== UNKNOWN) return known;
    const next: number[] = [];
    for (const at of this.#sets[state]!) {
      const { from, to, next: target } = this.#states[at]!;
      if (byte >= from && byte <= to) next.push(target);
    }
    return moves[byte] = this.#idOf(next);
  }

  /** Whether the bytes so far are a match. */
  accepts(state: number): boolean {
    return this.#sets[state]!.includes(this.#final);
  }

  /** Whether the rule matches the whole text, one byte a character. */
  matches(text: string): boolean {
    let state = this.start;
    for (let i = 0; i < text.length; i++) state = this.step(state, text.charCodeAt(i));
    return this.accepts(state);
  }

  #state(from: number, to: number, next: number, free: number[] = []): number {
    return this.#states.push({ from, to, next, free }) - 1;
  }

  /** Returns the state from which `element`, and then what `next` stands for, is matched. */
  #compile(element: Element, next: number, within: readonly string[]): number {
    switch (element.type) {
      case "range":
        return this.#state(element.from, element.to, next);
      case "sequence":
        return element.parts.reduceRight((rest, part) => this.#compile(part, rest, within), next);
      case "choice":
        return this.#state(
          -1,
          -1,
          -1,
          element.parts.map((part) => this.#compile(part, next, within)),
        );
      case "repeat":
        return this.#repeat(element, next, within);
      case "rule": {
        const rule = this.#rules.get(element.name);
        if (rule === undefined) throw new SyntaxError(`No rule ${element.name}`);
        if (within.includes(element.name)) throw new SyntaxError(`${element.name} is recursive`);
        return this.#compile(rule, next, [...within, element.name]);
      }
    }
  }

  #repeat(
    { min, max, part }: { readonly min: number; readonly max: number; readonly part: Element },
    next: number,
    within: readonly string[],
  ): number {
    let first = next;
    if (max === Infinity) {
      first = this.#state(-1, -1, -1, [next]);
      this.#states[first]!.free.push(this.#compile(part, first, within));
    } else {
      for (let i = min; i < max; i++) {
        first = this.#state(-1, -1, -1, [next, this.#compile(part, first, within)]);
      }
    }
    for (let i = 0; i < min; i++) first = this.#compile(part, first, within);
    return first;
  }

  #idOf(states: readonly number[]): number {
    const set = new Set<number>();
    const add = (state: number) => {
      if (set.has(state)) return;
      set.add(state);
      this.#states[state]!.free.forEach(add);
    };
    states.forEach(add);
    const closed = [...set].sort((a, b) => a - b);
    const key = closed.join();
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.#sets.push(closed) - 1;
      this.#ids.set(key, id);
      this.#moves.push(new Int32Array(256).fill(UNKNOWN));
    }
    return id;
  }
}

const UNKNOWN = -1;
