/** The kinds of figures: what is done with a server to get one. */
import type { Route } from "../servers/routes.ts";
import type { Driver } from "./driver.ts";
import type { Driven, Load } from "./load.ts";
import { probe } from "./probe.ts";
import type { Processes, Running } from "./processes.ts";
import { start } from "./servers.ts";
import type { Server, Started } from "./servers.ts";

/** A server at its work. */
export interface Subject {
  readonly title: string;
  readonly server: Server;
  readonly route: Route;
  /** So many connections are open while it is measured, most of them idle. */
  readonly open?: number;
}

/** What measuring needs. */
export interface Bench {
  readonly processes: Processes;
  readonly driver: Driver;
  /** For what is built and written on the way. */
  readonly directory: string;
}

/** One figure about one of the subjects. */
export interface Figure {
  readonly value: number;
  /**
   * The share of a core that the server used. One that is not at its limit shows what
   * the generator can do, and not what it can do itself. Null where that is no question,
   * or nobody knows.
   */
  readonly busy: number | null;
}

/** Gets a figure about one of the subjects. */
export type Measure = (subject: Subject) => Promise<Figure>;

/** Starts and warms what is to be measured in turns. */
export type Prepare = (subjects: readonly Subject[], bench: Bench) => Promise<Measure>;

/** How long memory may take to come to rest, and how often it is looked at, in milliseconds. */
const REST = 6000;
const LOOK = 500;

/** Resident memory is at rest when it changes by less between two looks. */
const SMALL_CHANGE = 0.002;

/** Requests per second. */
export function rate(load: Load): Prepare {
  return async (subjects, bench) => {
    const servers = await startAll(subjects, load, bench);
    return (subject) => measureRate(servers.get(subject)!, load, bench);
  };
}

/**
 * The 99th percentile of the latency in milliseconds, each subject at the same rate:
 * a share of what the slower of them can do. The generator that will keep the rate
 * also finds it, so that it is one that the generator can keep.
 */
export function latency(load: Load, share: number): Prepare {
  return async (subjects, bench) => {
    const servers = await startAll(subjects, load, bench);
    const rates: number[] = [];
    for (const { port } of servers.values()) {
      rates.push(perSecond(await bench.driver.pace(port, load)));
    }
    const pace = share * Math.min(...rates);
    return async (subject) => {
      const { p99 } = await bench.driver.pace(servers.get(subject)!.port, load, pace);
      return { value: p99!, busy: null };
    };
  };
}

/**
 * Bytes of resident memory per idle connection that has carried one request; each
 * time of a fresh process, for memory that was used once is seldom given back.
 */
export function memory(load: Load): Prepare {
  return (_subjects, bench) =>
    Promise.resolve(async (subject) => {
      const { process, port } = await startWarm(subject, load, bench);
      await using server = process;
      const before = await memoryAtRest(server);
      await using _holder = await bench.driver.hold(port, load, subject.open!);
      return { value: (await memoryAtRest(server) - before) / subject.open!, busy: null };
    });
}

/** Microseconds per request while other connections idle. */
export function costInCrowd(load: Load): Prepare {
  return async (subjects, bench) => {
    const servers = await startAll(subjects, load, bench);
    return async (subject) => {
      const server = servers.get(subject)!;
      const idle = subject.open! - load.connections;
      await using _holder = idle > 0 ? await bench.driver.hold(server.port, load, idle) : null;
      const { value, busy } = await measureRate(server, load, bench);
      return { value: 1e6 / value, busy };
    };
  };
}

async function measureRate({ process, port }: Started, load: Load, bench: Bench): Promise<Figure> {
  const before = process.processorTime;
  const driven = await bench.driver.drive(port, load);
  const after = process.processorTime;
  const busy = before === null || after === null ? null : (after - before) / driven.seconds;
  return { value: perSecond(driven), busy };
}

async function startAll(
  subjects: readonly Subject[],
  load: Load,
  bench: Bench,
): Promise<Map<Subject, Started>> {
  const servers = new Map<Subject, Started>();
  for (const subject of subjects) servers.set(subject, await startWarm(subject, load, bench));
  return servers;
}

async function startWarm({ server, route }: Subject, load: Load, bench: Bench): Promise<Started> {
  const started = await start(server, route, bench);
  await probe(started.port, load);
  await bench.driver.drive(started.port, load);
  return started;
}

function perSecond({ answered, seconds }: Driven): number {
  return answered / seconds;
}

async function memoryAtRest(server: Running): Promise<number> {
  let last = 0;
  for (const end = performance.now() + REST; performance.now() < end;) {
    const now = server.residentMemory;
    if (Math.abs(now - last) < SMALL_CHANGE * now) return now;
    last = now;
    await new Promise((resolve) => setTimeout(resolve, LOOK));
  }
  return last;
}
