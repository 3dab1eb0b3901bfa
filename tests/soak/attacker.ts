/**
 * One attack in a process of its own, with the lowest priority: attackers are on other
 * machines, and must not take the processor from the server that they attack.
 *
 * Its argument is JSON; it prints its outcome as JSON.
 */
import { setPriority } from "node:os";
import { ATTACKS } from "./attack_kinds.ts";
import type { Target } from "./attack_kinds.ts";

setPriority(19);
const { name, target }: { name: string; target: Target } = JSON.parse(Deno.args[0]!);
console.log(JSON.stringify(await ATTACKS.get(name)!(target)));
Deno.exit();
