/** The fronts of `deploy/`, started on free ports in front of a port of the test's own. */
import { freePort, launch, listening, withFolder } from "../server/tools.ts";

const DEPLOY = new URL("../../deploy/", import.meta.url);

/** A program that stands in front of a server. */
export interface Front {
  readonly program: string;
  /** Returns its configuration for two ports. */
  readonly configuration: (front: number, back: number) => Promise<string>;
  readonly args: (file: string, folder: string) => readonly string[];
}

/** Reads a file of `deploy/` and replaces parts of it, which must be there. */
export async function deployed(
  file: string,
  edits: readonly (readonly [from: string, to: string])[],
): Promise<string> {
  let text = await Deno.readTextFile(new URL(file, DEPLOY));
  for (const [from, to] of edits) {
    if (!text.includes(from)) throw new Error(`deploy/${file} lacks ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

const NGINX: Front = {
  program: "nginx",
  configuration: (front, back) =>
    deployed("nginx.conf", [
      [
        "worker_processes auto;",
        "worker_processes 1;\ndaemon off;\nerror_log stderr crit;\npid nginx.pid;",
      ],
      ["http {", "http {\n  access_log off;"],
      ["listen 80;", `listen 127.0.0.1:${front};`],
      ["127.0.0.1:8080", `127.0.0.1:${back}`],
    ]),
  args: (file, folder) => ["-p", folder, "-c", file],
};

const HAPROXY: Front = {
  program: "haproxy",
  configuration: async (front, back) =>
    await deployed("haproxy.cfg", [
      ["maxconn 20000", "maxconn 1000"],
      ["bind :80", `bind 127.0.0.1:${front}`],
      ["bind :443", `bind 127.0.0.1:${freePort()}`],
      ["127.0.0.1:8080", `127.0.0.1:${back}`],
      ["check inter 1s", "check inter 100ms"],
      ["timeout http-request 10s", "timeout http-request 500ms"],
    ]),
  args: (file) => ["-db", "-f", file],
};

/** The part of it that passes TLS through. */
export const HAPROXY_TLS: Front = {
  ...HAPROXY,
  configuration: (front, back) =>
    deployed("haproxy.cfg", [
      ["maxconn 20000", "maxconn 1000"],
      ["bind :80", `bind 127.0.0.1:${freePort()}`],
      ["bind :443", `bind 127.0.0.1:${front}`],
      ["127.0.0.1:8443", `127.0.0.1:${back}`],
    ]),
};

const CADDY: Front = {
  program: "caddy",
  configuration: async (front, back) =>
    "{\n\tadmin off\n\tauto_https off\n}\n" + await deployed("Caddyfile", [
      [":80 {", `http://127.0.0.1:${front} {`],
      ["127.0.0.1:8080", `127.0.0.1:${back}`],
      ["health_interval 1s", "health_interval 100ms"],
    ]),
  args: (file) => ["run", "--adapter", "caddyfile", "--config", file],
};

/** All of them. */
export const FRONTS: readonly Front[] = [NGINX, HAPROXY, CADDY];

/** Runs a front while `use` runs. */
export async function withFront(
  { program, configuration, args }: Front,
  back: number,
  use: (front: number) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const front = freePort();
    const file = `${folder}/front.conf`;
    await Deno.writeTextFile(file, await configuration(front, back));
    const path = program === "caddy" ? program : `/usr/sbin/${program}`;
    await using running = launch(path, ...args(file, folder));
    try {
      await listening(front);
      await use(front);
    } finally {
      // In order: a killed master of nginx leaves its workers behind.
      running.kill("SIGTERM");
      await running.status;
    }
  });
}
