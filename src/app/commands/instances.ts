import { setTimeout as delay } from 'node:timers/promises';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { askControl, type ControlAnswer, type ControlAsk, type InstanceStatus } from '../../background/control.ts';
import { Entries, type Entry } from '../../background/entries.ts';
import { findStateFolder, hasPrivateFolder, makePrivateFolder } from '../../background/folders.ts';
import { findLog, openLog, readLog, RotatingLog } from '../../background/log.ts';
import { formatAddress, type TcpAddress, type UnixAddress } from '../../core/address.ts';
import { formatDuration } from '../../core/deadline.ts';
import { toTunlError, TunlError, usageError } from '../../core/errors.ts';
import type { Link } from '../../core/link.ts';
import { connectUnix } from '../../dial/connect.ts';
import { quote } from '../../syntax/text.ts';
import { openTunnel } from './open-tunnel.ts';

export type { InstanceStatus } from '../../background/control.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The time that an instance has for an answer, in milliseconds. */
const answerMs = 5000;

/** How often it is tried again what is waited for, in milliseconds. */
const lookMs = 100;

/** A living process in the background. Without a status it accepts connections, but did not answer in time. */
export interface FoundInstance {
  readonly name: string;
  readonly status: InstanceStatus | undefined;
}

/** Lists the processes in the background that live, and removes what killed ones have left. @throws {TunlError} usage */
export async function listInstances(env: Environment): Promise<FoundInstance[]> {
  const names = await (await openEntries(env))?.names();
  const found = await Promise.all((names ?? []).map((name) => findInstance(name, env)));
  return found.filter((each) => each !== undefined);
}

/**
 * Finds the living process with a name. If it was killed, what it has left is removed.
 * @throws {TunlError} usage, if the folder of the state is not private
 */
export async function findInstance(name: string, env: Environment): Promise<FoundInstance | undefined> {
  const asked = await askInstance(name, 'status', env);
  if (!asked) return undefined;
  if (asked === 'silent') return { name, status: undefined };
  await asked.ended;
  return { name, status: asked.status };
}

/** Refuses a name that a living process has. */
export function nameTaken({ name, status }: FoundInstance): TunlError {
  return usageError(
    `${quote(name)} already runs in the background${status ? ` (pid ${status.pid})` : ''}`,
    `tunl stop ${name} ends it; --name gives this one another name`,
  );
}

/**
 * Opens the log of an instance, so that a process that is about to start can inherit it.
 * @throws {TunlError} usage, if the folder of the state is not private; or the error of the file system
 */
export async function prepareInstanceLog(name: string, env: Environment): Promise<number> {
  return openLog(findLog(await makePrivateFolder(findStateFolder(env)), name));
}

/** Returns the log of an instance for its own process. */
export function openInstanceLog(name: string, env: Environment): RotatingLog {
  return new RotatingLog(findLog(findStateFolder(env), name));
}

/** The end of a process that was asked to stop. */
export interface Stopping {
  /** The status as it stopped: how many tunnels may finish. */
  readonly status: InstanceStatus;
  readonly ended: Promise<void>;
}

/** Asks a process to stop, as by a SIGTERM. @throws {TunlError} usage, if none has the name; connection_timeout */
export async function stopInstance(name: string, env: Environment): Promise<Stopping> {
  const asked = await askInstance(name, 'stop', env);
  if (!asked) throw await unknownName(name, env);
  if (asked !== 'silent') return asked;
  throw new TunlError('connection_timeout', `${name} does not answer on its control socket`, {
    hints: ['its process may be stopped (SIGSTOP), or the machine very busy'],
  });
}

/**
 * Yields the log of a process, also of one that has ended. With `follow` it goes on until the process ends or the signal
 * is aborted.
 * @throws {TunlError} usage, if there is neither a log nor a process of that name
 */
export async function* readInstanceLog(
  name: string,
  env: Environment,
  follow: boolean,
): AsyncGenerator<Buffer, void, undefined> {
  const isThere = (await openEntries(env)) !== undefined;
  const asked = isThere ? await askInstance(name, follow ? 'end' : 'status', env) : undefined;
  let hasEnded = asked === undefined;
  if (asked && asked !== 'silent') void asked.ended.then(() => (hasEnded = true));
  let isEmpty = true;
  const awaitMore = async () => {
    if (!hasEnded) await delay(lookMs);
    return !hasEnded;
  };
  for await (const piece of readLog(findLog(findStateFolder(env), name), follow ? awaitMore : undefined)) {
    isEmpty = false;
    yield piece;
  }
  if (isEmpty && asked === undefined) throw await unknownName(name, env);
}

/** What is waited for: a process by its name, or an address. */
export type Awaited =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'address'; readonly address: TcpAddress | UnixAddress };

/**
 * Waits until a process in the background listens, or until an address accepts connections.
 * @param limitMs 0 means without a limit
 * @throws {TunlError} connection_timeout; usage, if the folder of the state is not private
 */
export async function waitForListener(awaited: Awaited, env: Environment, limitMs: number): Promise<void> {
  const started = performance.now();
  for (;;) {
    if (awaited.kind === 'name') {
      const found = await findInstance(awaited.name, env);
      if (found?.status?.state === 'listening') return;
    } else if (await accepts(awaited.address)) return;
    if (limitMs > 0 && performance.now() - started >= limitMs) {
      const what = awaited.kind === 'name' ? awaited.name : formatAddress(awaited.address);
      const missing = awaited.kind === 'name' ? 'does not listen' : 'accepts no connection';
      throw new TunlError('connection_timeout', `${what} ${missing} after ${formatDuration(limitMs)} (--timeout)`);
    }
    await delay(lookMs);
  }
}

async function accepts(address: TcpAddress | UnixAddress): Promise<boolean> {
  try {
    if (address.kind === 'unix') (await connectTo(address.path)).stream.destroy();
    else (await openTunnel(formatAddress(address), { limits: { connectMs: answerMs } })).destroy();
    return true;
  } catch {
    return false;
  }
}

async function openEntries(env: Environment): Promise<Entries | undefined> {
  const folder = findStateFolder(env);
  return (await hasPrivateFolder(folder)) ? new Entries(folder) : undefined;
}

type Asked = ControlAnswer | 'silent' | undefined;

async function askInstance(name: string, ask: ControlAsk, env: Environment): Promise<Asked> {
  const entries = await openEntries(env);
  const entry = await entries?.read(name);
  if (!entries || !entry) {
    await entries?.remove(name, undefined);
    return undefined;
  }
  const link = await connectTo(entry.socket).catch(toTunlError);
  if (link instanceof TunlError) {
    // Only a refusal proves that nobody listens.
    if (link.code !== 'connection_refused') return 'silent';
    await entries.remove(name, entry.id);
    await removeSocket(entry);
    return undefined;
  }
  try {
    const answer = await askControl(link, ask, answerMs);
    if (answer.status.id === entry.id) return answer;
    answer.leave();
    await entries.remove(name, entry.id);
    return undefined;
  } catch (error) {
    // It ended while it was asked, or it hangs.
    return error instanceof TunlError && error.code === 'connection_timeout' ? 'silent' : undefined;
  }
}

function connectTo(path: string): Promise<Link> {
  const address = { kind: 'unix', path } as const;
  const limit = { ms: answerMs, phase: 'connect', option: 'the control socket', code: 'connection_timeout' } as const;
  const signal = new AbortController().signal;
  return connectUnix(address, { what: formatAddress(address), side: 'self', signal, limit });
}

/** Removes the socket of a killed process, if its folder is one of ours. */
async function removeSocket({ socket }: Entry): Promise<void> {
  const isOurs = await hasPrivateFolder(dirname(socket)).catch(() => false);
  if (isOurs) await rm(socket, { force: true });
}

async function unknownName(name: string, env: Environment): Promise<TunlError> {
  const names = (await listInstances(env)).map((each) => each.name);
  const known = names.length === 0 ? 'nothing does' : `what does: ${names.join(', ')}`;
  return usageError(`nothing runs in the background under the name ${quote(name)}`, known);
}
