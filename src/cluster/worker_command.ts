/** The command that starts a worker: this program again, with the permissions that it needs. */
import { platform } from "../platform.ts";

/** Set for a worker, and removed by it, so that what it starts is none. */
export const WORKER_VARIABLE = "ASYNCHTTP_CLUSTER_WORKER";

/** The permissions that a worker has where no flags are given, if the master has them whole. */
const INHERITED = ["net", "read", "write", "env", "sys", "import", "ffi"] as const;

/** Flags that contain the permission to read {@linkcode WORKER_VARIABLE}. */
const ENV_FLAGS = ["-A", "--allow-all", "-E", "--allow-env"];

/** Throws where the kernel does not share a port among processes. */
export function checkSystem(): void {
  if (platform().sharesPorts) return;
  throw new Deno.errors.NotSupported(
    `A cluster needs Linux: on "${Deno.build.os}" the system does not share the connections to a port among processes (reusePort); run one process, or one on a port each behind a proxy`,
  );
}

/** Whether this process is a worker. It is asked without a prompt. */
export function isWorker(): boolean {
  const query = { name: "env", variable: WORKER_VARIABLE } as const;
  if (Deno.permissions.querySync(query).state !== "granted") return false;
  return Deno.env.get(WORKER_VARIABLE) !== undefined;
}

/** The flags that give a worker the permissions of this process. */
export function inheritedFlags(): string[] {
  const flags = INHERITED.filter((name) => Deno.permissions.querySync({ name }).state === "granted")
    .map((name) => `--allow-${name}`);
  if (flags.includes("--allow-net")) return flags;
  throw new TypeError(
    'Option flags is missing: the master does not have --allow-net whole, so give the flags of the workers, as in flags: ["--allow-net=0.0.0.0:8080"]',
  );
}

/** Returns the command for a worker. */
export function workerCommand(flags: readonly string[]): Deno.Command {
  const mayReadEnv = flags.some((flag) => ENV_FLAGS.includes(flag));
  return new Deno.Command(denoCommand(), {
    args: [
      "run",
      "--no-prompt",
      "--unstable-net",
      ...(mayReadEnv ? [] : [`--allow-env=${WORKER_VARIABLE}`]),
      ...flags,
      Deno.mainModule,
      ...Deno.args,
    ],
    env: { [WORKER_VARIABLE]: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  });
}

/** The running Deno, or `deno` where the permission names that: they are not always the same file. */
function denoCommand(): string {
  const path = Deno.execPath();
  const may = (command: string) =>
    Deno.permissions.querySync({ name: "run", command }).state === "granted";
  return !may(path) && may("deno") ? "deno" : path;
}
