/** The fields of `101 Switching Protocols` (RFC 9110, 7.8 and 15.2.2). */
import type { FieldPair } from "./fields.ts";
import { isNamed } from "./response_framing.ts";

/** `Connection` and, unless the caller names one, the first protocol that was offered. */
export function upgradeFields(offered: string, given: readonly FieldPair[]): readonly FieldPair[] {
  const named = given.some(([name]) => isNamed(name, "upgrade"));
  const fields: FieldPair[] = [["Connection", "Upgrade"]];
  if (!named) fields.push(["Upgrade", offered.split(",")[0]!]);
  return [...fields, ...given.filter(([name]) => !isNamed(name, "connection"))];
}
