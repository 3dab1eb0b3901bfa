/**
 * The verdict of the RFCs: of their grammar, and of the sentences around it.
 *
 * A deviation replaces a rule of the grammar, or refuses what the grammar has. The verdict
 * with all deviations must be that of the parser; without them it is that of the RFCs alone.
 */
import type { FieldPair } from "../../src/wire/fields.ts";
import { Automaton, DEAD, rulesOf } from "./abnf.ts";
import type { Rules } from "./abnf.ts";
import type { Deviation } from "./deviations.ts";
import { RFC } from "./rfc.ts";
import { acceptedBody, acceptedHead, REFUSED, WAITS } from "./verdict.ts";
import type { HeadFacts, Verdict } from "./verdict.ts";

/** Gives the verdict about a text. */
export type Oracle = (text: string) => Verdict;

/** Makes an oracle of the RFCs and these deviations. */
export type OracleMaker = (deviations: readonly Deviation[]) => Oracle;

function rulesWith(deviations: readonly Deviation[]): Rules {
  return rulesOf(...RFC, ...deviations.flatMap(({ rule }) => rule ?? []));
}

/** Runs an automaton up to the first match: returns its end, "waits" or "refused". */
function firstMatch(automaton: Automaton, text: string, at = 0): number | Verdict {
  let state = automaton.start;
  for (let i = at; i < text.length; i++) {
    state = automaton.step(state, text.charCodeAt(i));
    if (state === DEAD) return REFUSED;
    if (automaton.accepts(state)) return i + 1;
  }
  return WAITS;
}

/** The oracle of the head of a request. */
export function headOracle(deviations: readonly Deviation[]): Oracle {
  const rules = rulesWith(deviations);
  const head = new Automaton(rules, "request-head");
  const line = new RequestLineRules(rules, deviations);
  const framing = new FramingRules(rules, deviations);
  return (text) => {
    const end = firstMatch(head, text);
    if (end === REFUSED) return REFUSED;
    const [requestLine, ...fieldLines] = linesOf(text);
    const read = requestLine === undefined ? null : line.read(requestLine);
    if (typeof read === "string") return REFUSED;
    if (typeof end === "string" || read === null) return WAITS;
    const fields = fieldLines.slice(0, fieldLines.indexOf("")).map(fieldOf);
    const body = framing.body(fields);
    if (typeof body === "string" && body !== "chunked") return body;
    return acceptedHead(end, { ...read, fields, body });
  };
}

/** The complete lines of a text, but an empty one at its beginning. */
function linesOf(text: string): string[] {
  return text.replace(/^\r\n/, "").split("\r\n").slice(0, -1);
}

/** `field-line = field-name ":" OWS field-value OWS`, of a line that the grammar has. */
function fieldOf(line: string): FieldPair {
  const [, name, value] = /^([^:]*):[ \t]*([^]*?)[ \t]*$/.exec(line)!;
  return [name!, value!];
}

type LineFacts = Pick<HeadFacts, "method" | "target" | "form" | "version">;
type Form = "origin" | "absolute" | "authority" | "asterisk";

/** What is said about a request line that matches its grammar. */
class RequestLineRules {
  readonly #forms: ReadonlyMap<Form, Automaton>;
  readonly #deviations: readonly Deviation[];

  constructor(rules: Rules, deviations: readonly Deviation[]) {
    const forms: readonly Form[] = ["origin", "absolute", "authority", "asterisk"];
    this.#forms = new Map(forms.map((form) => [form, new Automaton(rules, `${form}-form`)]));
    this.#deviations = deviations;
  }

  /** Returns what the line says, or "refused". */
  read(line: string): LineFacts | typeof REFUSED {
    const [method, target, version] = line.split(" ") as [string, string, string];
    // RFC 9110, 15.6.6: a major version that is not ours.
    if (!version.startsWith("HTTP/1.")) return REFUSED;
    const form = this.#formsOf(method).find((form) => this.#forms.get(form)!.matches(target));
    if (form === undefined) return REFUSED;
    const authority = authorityOf(form, target);
    if (authority !== null && isRefusedAuthority(authority, this.#deviations)) return REFUSED;
    return { method, target, form, version };
  }

  /** RFC 9112, 3.2.3: authority-form is only used for CONNECT; 3.2.4: asterisk-form for OPTIONS. */
  #formsOf(method: string): readonly Form[] {
    if (method === "CONNECT") return ["authority"];
    return method === "OPTIONS" ? ["origin", "asterisk", "absolute"] : ["origin", "absolute"];
  }
}

/** The authority of a target, by the pattern of RFC 3986, appendix B. */
function authorityOf(form: Form, target: string): string | null {
  if (form === "authority") return target;
  if (form !== "absolute") return null;
  return /^[^:/?#]+:\/\/([^/?#]*)/.exec(target)?.[1] ?? null;
}

function isRefusedAuthority(authority: string, deviations: readonly Deviation[]): boolean {
  return deviations.some(({ refusesAuthority }) => refusesAuthority?.(authority));
}

/** What is said about Host, and about the length of a body. */
class FramingRules {
  readonly #host: Automaton;
  readonly #length: Automaton;
  readonly #coding: Automaton;
  readonly #deviations: readonly Deviation[];

  constructor(rules: Rules, deviations: readonly Deviation[]) {
    this.#host = new Automaton(rules, "host-value");
    this.#length = new Automaton(rules, "Content-Length");
    this.#coding = new Automaton(rules, "Transfer-Encoding");
    this.#deviations = deviations;
  }

  body(fields: readonly FieldPair[]): number | Verdict {
    const named = (wanted: string) =>
      fields.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
    if (!this.#isHost(named("host"))) return REFUSED;
    const codings = named("transfer-encoding");
    const lengths = named("content-length");
    const verdict = this.#deviations
      .map(({ refusesFraming }) => refusesFraming?.(lengths, codings))
      .find((found) => found !== undefined);
    if (verdict !== undefined) return verdict;
    // RFC 9112, 6.3: Transfer-Encoding overrides the Content-Length.
    if (codings.length > 0) return this.#coded(codings.join(","));
    return lengths.length > 0 ? this.#measured(lengths) : 0;
  }

  /** RFC 9112, 3.2: exactly one, and valid. */
  #isHost(values: readonly string[]): boolean {
    return values.length === 1 && this.#host.matches(values[0]!) &&
      !isRefusedAuthority(values[0]!, this.#deviations);
  }

  /** RFC 9112, 6.3: chunked must be the final coding; 6.1: only once; 501 for what is not understood. */
  #coded(value: string): Verdict {
    if (!this.#coding.matches(value)) return REFUSED;
    const codings = splitOutsideQuotes(value).filter((coding) => coding !== "");
    const names = codings.map((coding) => /^[^ \t;]*/.exec(coding)![0].toLowerCase());
    const chunkedAt = names.indexOf("chunked");
    if (names.length === 0 || (chunkedAt !== -1 && chunkedAt !== names.length - 1)) return REFUSED;
    if (chunkedAt === -1) return `${REFUSED} 501`;
    // RFC 9112, 7.1: the presence of parameters of chunked SHOULD be treated as an error.
    if (codings.at(-1)!.includes(";")) return REFUSED;
    return names.length === 1 ? "chunked" : `${REFUSED} 501`;
  }

  /** RFC 9112, 6.3: unless all values are valid and equal, the message is refused. */
  #measured(values: readonly string[]): number | Verdict {
    const members = values.flatMap((value) => value.split(",")).map((member) =>
      member.replace(/^[ \t]+|[ \t]+$/g, "")
    );
    const valid = members.every((member) => this.#length.matches(member)) &&
      new Set(members).size === 1;
    return valid ? Number(members[0]) : REFUSED;
  }
}

/** Splits a list at its commas, but those in quoted strings; removes the whitespace around members. */
function splitOutsideQuotes(value: string): string[] {
  const members = value.match(/(?:"(?:\\.|[^"\\])*"|[^,"])+|,/g) ?? [];
  return members.filter((member) => member !== ",")
    .map((member) => member.replace(/^[ \t]+|[ \t]+$/g, ""));
}

/** The oracle of a chunked body. */
export function chunkedOracle(deviations: readonly Deviation[]): Oracle {
  const rules = rulesWith(deviations);
  const line = new Automaton(rules, "chunk-line");
  const trailers = new Automaton(rules, "trailers");
  const crlf = new Automaton(rules, "CRLF");
  return (text) => {
    let data = "";
    for (let at = 0;;) {
      const lineEnd = firstMatch(line, text, at);
      if (typeof lineEnd === "string") return lineEnd;
      const size = Number(`0x${/^[0-9A-Fa-f]+/.exec(text.slice(at))![0]}`);
      if (size === 0) return trailersVerdict(trailers, text, lineEnd, data);
      const dataEnd = lineEnd + size;
      if (dataEnd > text.length) return WAITS;
      data += text.slice(lineEnd, dataEnd);
      const end = firstMatch(crlf, text, dataEnd);
      if (typeof end === "string") return end;
      at = end;
    }
  };
}

function trailersVerdict(trailers: Automaton, text: string, at: number, data: string): Verdict {
  const end = firstMatch(trailers, text, at);
  if (typeof end === "string") return end;
  return acceptedBody(end, data, text.slice(at, end).split("\r\n").slice(0, -2).map(fieldOf));
}
