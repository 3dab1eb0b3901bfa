/**
 * What the systems differ in, decided in one place.
 *
 * Only Linux is run by those who develop this module. What is said about the others is what
 * their manuals and Deno's source say, and tests put another system in the place of
 * `Deno.build`; docs/operations.md has the consequences for a program.
 */

/** What a server can rely on. */
export interface Platform {
  /** The signals with which a terminal, or a service manager, asks a process to end. */
  readonly shutdownSignals: readonly Deno.Signal[];
  /** The folder that lists the descriptors of the process that reads it; null if there is none. */
  readonly descriptorFolder: string | null;
  /** The file that tells a process its limits; null if there is none. */
  readonly limitsFile: string | null;
  /** Whether processes that listen on one port with `reusePort` share its connections. */
  readonly sharesPorts: boolean;
  /** Whether `ulimit -n` bounds the descriptors of a process. */
  readonly hasUlimit: boolean;
}

const UNIX: Platform = {
  shutdownSignals: ["SIGINT", "SIGTERM"],
  descriptorFolder: null,
  limitsFile: null,
  sharesPorts: false,
  hasUlimit: true,
};

/** Android has the kernel of Linux, and Deno takes it for one when it listens (ext/net/tcp.rs). */
const LINUX: Platform = {
  ...UNIX,
  descriptorFolder: "/proc/self/fd",
  limitsFile: "/proc/self/limits",
  sharesPorts: true,
};

/**
 * The descriptors are in /dev/fd (fd(4)). Not on the BSDs: without fdescfs, which is not mounted
 * by default, /dev/fd has 0, 1 and 2 only (fdescfs(5)), and a guard that counts three descriptors
 * admits everything.
 *
 * Deno ignores `reusePort` here, as on all systems but Linux: the kernel gives all connections of
 * a shared port to one of the processes.
 */
const MACOS: Platform = { ...UNIX, descriptorFolder: "/dev/fd" };

/**
 * CTRL+C and CTRL+BREAK. Nothing sends SIGTERM: `Deno.kill` and the Task Manager end a process
 * without asking it. When the console is closed or the system shuts down, newer versions of Deno
 * report SIGHUP or SIGTERM, but Windows ends the process as soon as they have been reported ("CTRL+
 * CLOSE signal" in Microsoft's console documentation); Deno up to 2.7.5 throws for SIGTERM.
 *
 * No path that begins with a slash may be read: it is one on the current drive, where other users
 * may create folders. Sockets are handles, of which a process may have millions.
 */
const WINDOWS: Platform = {
  ...UNIX,
  shutdownSignals: ["SIGINT", "SIGBREAK"],
  hasUlimit: false,
};

/** The system that this process runs on. */
export function platform(): Platform {
  switch (Deno.build.os) {
    case "linux":
    case "android":
      return LINUX;
    case "darwin":
      return MACOS;
    case "windows":
      return WINDOWS;
    default:
      return UNIX;
  }
}
