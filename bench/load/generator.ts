/**
 * The generator's process: `generator.ts PLAN` puts a server under a load, and prints
 * what came of it. Raw sockets, requests built before, every answer checked.
 */
import { runClosedLoop } from "./closed_loop.ts";
import type { Plan } from "./load.ts";
import { runPaced } from "./paced.ts";

const plan: Plan = JSON.parse(Deno.args[0]!);
const request = await Deno.readFile(plan.requestFile);
const run = plan.rate === null ? runClosedLoop : runPaced;
console.log(JSON.stringify(await run(plan, request)));
