/** What tests need of the system they run on, decided here alone; and other systems, standing in for it. */

type Os = typeof Deno.build.os;

/** Parts of a system that tests use, and which systems have them. */
const PARTS: { readonly [part: string]: (os: Os) => boolean } = {
  /** Descriptors, memory and processor time of processes. */
  "/proc": (os) => os === "linux",
  /** Addresses of this machine: macOS has 127.0.0.1 only. */
  "127.0.0.0/8": (os) => os !== "darwin",
  /** A folder that lists the descriptors of the process itself. */
  "list of descriptors": (os) => os === "linux" || os === "darwin",
  /** Programs that take other options elsewhere. */
  "util-linux": (os) => os === "linux",
  /** A port that processes share. */
  reusePort: (os) => os === "linux",
  /** On Windows `kill` ends a process without asking it. */
  signals: (os) => os !== "windows",
  /** Deno has none on Windows (denoland/deno#18236). */
  "Unix sockets": (os) => os !== "windows",
  /** The file systems of the others take `A` and `a` for one name. */
  "case in file names": (os) => os === "linux",
  /** Names of files that have a colon, or end with a dot. */
  "free file names": (os) => os !== "windows",
  /** Only administrators create them on Windows. */
  "symbolic links": (os) => os !== "windows",
};

/**
 * Whether there is a part of the system, or a program, that a test needs.
 *
 * On Windows no program is looked for: the tests rely on what programs of the same names do on
 * Unix, on their paths, pipes and signals.
 */
export function has(need: string): boolean {
  const part = PARTS[need];
  if (part !== undefined) return part(Deno.build.os);
  return Deno.build.os !== "windows" && isProgram(need);
}

function isProgram(name: string): boolean {
  const directories = `${Deno.env.get("PATH")}:/usr/sbin`.split(":");
  return directories.some((directory) => {
    try {
      return Deno.statSync(`${directory}/${name}`).isFile;
    } catch {
      return false;
    }
  });
}

/**
 * Lets `Deno.build` name another system until the scope ends. No other test sees it: each file has
 * a `Deno` of its own, and the tests of a file run one after the other.
 */
export function standIn(os: Os): Disposable {
  const genuine = Deno.build;
  const put = (value: typeof Deno.build) => Object.defineProperty(Deno, "build", { value });
  put({ ...genuine, os });
  return { [Symbol.dispose]: () => void put(genuine) };
}
