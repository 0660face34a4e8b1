import { AsyncLocalStorage } from 'node:async_hooks';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type Command, launch, type Running } from './process.ts';
import { makeFolder } from './workspace.ts';

/** A real program that listens on a port of 127.0.0.1. */
export interface Part {
  readonly name: string;
  readonly port: number;
  /** The end of the program's output, for the message of a failing test. */
  log(): string;
  stop(): Promise<void>;
}

/** The only user that a proxy lets in. */
export interface Login {
  readonly user: string;
  readonly password: string;
}

/** Writes the configuration of a part into `folder`, and returns the command that starts the part. */
export type PartPlan = (port: number, folder: string) => PartCommand | Promise<PartCommand>;

/** The command of a part. */
export interface PartCommand extends Command {
  /** A file that the program logs to, beside stderr. */
  readonly logFile?: string;
}

/** A network in which parts run and listen. */
export interface Network {
  /** The command that runs a command there. */
  enter(command: Command): Command;
  /** Whether something accepts connections at this port of 127.0.0.1 there. */
  isListening(port: number): Promise<boolean>;
}

/** Among the other programs of this machine. */
const here: Network = { enter: (command) => command, isListening };

const network = new AsyncLocalStorage<Network>();

/** Starts parts in another network. */
export function startIn<T>(where: Network, start: () => Promise<T>): Promise<T> {
  return network.run(where, start);
}

const startLimitMs = 15_000;
const pollMs = 25;
const logTail = 2000;

/**
 * Starts a part on a free port, or on one that it had before, and waits until it accepts connections.
 * @throws {Error} with the end of its log, when it does not
 */
export async function startPart(name: string, plan: PartPlan, formerPort?: number): Promise<Part> {
  const where = network.getStore() ?? here;
  let failure: unknown;
  // Somebody else may take the port between the search and the start.
  for (let attempt = 0; attempt < 3; attempt++) {
    const port = formerPort ?? (await findFreePort());
    const { logFile, ...command } = await plan(port, makeFolder(name));
    const running = launch(where.enter(command));
    const log = () => `${running.stdout().toString()}${running.stderr()}${readLog(logFile)}`.slice(-logTail);
    try {
      await waitForPort(() => where.isListening(port), port, running);
      return { name, port, log, stop: async () => void (await running.stop()) };
    } catch (error) {
      await running.stop().catch(() => {});
      failure = new Error(`${name} does not start: ${String(error)}\n${log()}`);
    }
  }
  throw failure;
}

async function waitForPort(isOpen: () => Promise<boolean>, port: number, running: Running): Promise<void> {
  const startedAt = Date.now();
  while (!(await isOpen())) {
    if (!running.isRunning()) throw new Error(`it ended with ${JSON.stringify(await running.ended)}`);
    if (Date.now() - startedAt > startLimitMs) throw new Error(`port ${port} is closed after ${startLimitMs} ms`);
    await delay(pollMs);
  }
  if (!running.isRunning()) throw new Error(`it ended, and port ${port} is somebody else's`);
}

async function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

/** Finds a port of 127.0.0.1 at which nobody listens now. */
export async function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

function readLog(file: string | undefined): string {
  try {
    return file === undefined ? '' : readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
