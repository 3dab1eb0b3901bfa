/** The files of `deploy/` that nothing starts here, by validators. */
import { assertEquals, assertMatch } from "@std/assert";
import { HorizontalPodAutoscaler } from "npm:kubernetes-models@5.1.0/autoscaling/v2";
import { Deployment } from "npm:kubernetes-models@5.1.0/apps/v1";
import { PodDisruptionBudget } from "npm:kubernetes-models@5.1.0/policy/v1";
import { Service } from "npm:kubernetes-models@5.1.0/v1";
import { validate } from "npm:dockerfile-utils@0.16.3";
import { parseAllDocuments } from "npm:yaml@2.9.1";
import { run, testWith, withFolder } from "../server/tools.ts";
import { deployed } from "./fronts.ts";

Deno.test("deploy/kubernetes.yaml: valid by the schemas of Kubernetes", async () => {
  const documents = parseAllDocuments(await deployed("kubernetes.yaml", []));
  const kinds = [Deployment, Service, PodDisruptionBudget, HorizontalPodAutoscaler];
  assertEquals(documents.length, kinds.length);
  for (const [i, Kind] of kinds.entries()) {
    const object = documents[i]!.toJS();
    assertEquals(object.kind, Kind.kind);
    new Kind(object).validate();
  }
});

Deno.test("deploy/Dockerfile: the validator finds nothing, and the user has no rights", async () => {
  const text = await deployed("Dockerfile", []);
  assertEquals(validate(text), []);
  assertMatch(text, /^USER deno$/m);
});

testWith("systemd-analyze", "deploy/asynchttp.service: systemd finds nothing", async () => {
  await withFolder(async (folder) => {
    const file = `${folder}/asynchttp.service`;
    await Deno.writeTextFile(
      file,
      await deployed("asynchttp.service", [["/usr/bin/deno", Deno.execPath()]]),
    );
    const { stdout, stderr } = await run("systemd-analyze", "verify", "--man=no", file);
    // Of the unit itself: units of the system it names may be missing in a container.
    const lines = (stdout + stderr).split("\n").filter((line) => line.includes("asynchttp"));
    assertEquals(lines, []);
  });
});

Deno.test("deploy/: systemd and Kubernetes wait longer than the example takes", async () => {
  const example = await Deno.readTextFile(new URL("../../examples/health.ts", import.meta.url));
  const number = (text: string, pattern: RegExp) =>
    Number(pattern.exec(text)![1]!.replace("_", ""));
  const notice = number(example, /\?\? (5000)\)/) / 1000;
  const grace = number(example, /grace: (20_000)/) / 1000;
  const stop = number(await deployed("asynchttp.service", []), /^TimeoutStopSec=(\d+)$/m);
  const kubernetes = await deployed("kubernetes.yaml", []);
  const pod = number(kubernetes, /terminationGracePeriodSeconds: (\d+)/);
  const preStop = number(kubernetes, /sleep: { seconds: (\d+) }/);
  assertEquals([stop > notice + grace, pod > preStop + notice + grace], [true, true]);
});
