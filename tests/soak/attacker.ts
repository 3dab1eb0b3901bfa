/**
 * One attack in a process of its own, with the lowest priority: real attackers are on
 * other machines and do not take processor time from the server that they attack.
 *
 * Takes its argument as JSON and prints the outcome as JSON.
 */
import { setPriority } from "node:os";
import { ATTACKS } from "./attack_kinds.ts";
import type { Target } from "./attack_kinds.ts";

setPriority(19);
const { name, target }: { name: string; target: Target } = JSON.parse(Deno.args[0]!);
console.log(JSON.stringify(await ATTACKS.get(name)!(target)));
Deno.exit();
