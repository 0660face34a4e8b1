import { onTestFinished } from 'vitest';
import { startForward } from '../../../src/app/commands/forward.ts';
import type { Running } from '../../../src/app/runtime.ts';
import type { ForwardOptions, ForwardSpec, Limits, ServeOptions } from '../../../src/app/commands/options.ts';
import { createRoute, type Route } from '../../../src/app/stages/route.ts';
import { startServe } from '../../../src/app/commands/serve.ts';
import { type Learned, learn } from '../../../src/auth/knowledge.ts';
import type { Address } from '../../../src/core/address.ts';
import { TunlError } from '../../../src/core/errors.ts';
import type { TunlEvent } from '../../../src/core/events.ts';
import type { Hop } from '../../../src/core/hop.ts';
import { Scope } from '../../../src/core/scope.ts';

/** Limits that no test reaches unless it means to. */
export const calmLimits: Limits = {
  dnsMs: 4000,
  connectMs: 4000,
  tlsMs: 15_000,
  handshakeMs: 15_000,
  idleMs: 0,
  lingerMs: 4000,
  halfCloseWaitMs: 2000,
};

/** A command that runs in this process, with its events. */
export interface TestApp {
  readonly running: Running;
  readonly scope: Scope;
  /** Port of its first listener. */
  readonly port: number;
  readonly events: readonly TunlEvent[];
  /** The events of one kind. */
  eventsOf<K extends TunlEvent['event']>(kind: K): Extract<TunlEvent, { event: K }>[];
}

/** The options of a command that matter to a test, with hops that have no alternatives. */
export type TestOptions<O> = Omit<Partial<O>, 'hops'> & { readonly hops?: readonly Hop[] };

const loopback = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;

/** Runs `serve` on a free port of loopback until the test is over. It allows every target. */
export function startTestServe(
  { hops = [], ...options }: TestOptions<ServeOptions> = {},
  graceMs = 4000,
): Promise<TestApp> {
  const defaults: ServeOptions = {
    hops: toChoices(hops),
    limits: calmLimits,
    listen: [loopback],
    users: {},
    accept: [],
    allow: [],
    deny: [],
    open: false,
  };
  return startApp(graceMs, (runtime) => startServe({ ...defaults, ...options }, runtime));
}

/** Runs `forward` from a free port of loopback to the target, until the test is over. */
export function startTestForward(
  target: ForwardSpec['target'],
  { hops = [], ...options }: TestOptions<ForwardOptions> = {},
  graceMs = 4000,
): Promise<TestApp> {
  const defaults: ForwardOptions = { hops: toChoices(hops), limits: calmLimits, specs: [{ listen: loopback, target }] };
  return startApp(graceMs, (runtime) => startForward({ ...defaults, ...options }, runtime));
}

/** Runs a front of `forward` on a free port of loopback until the test is over. */
export function startTestFront(
  front: string,
  { hops = [], ...options }: TestOptions<Omit<ForwardOptions, 'specs'>> = {},
  graceMs = 4000,
): Promise<TestApp> {
  const defaults: ForwardOptions = { hops: toChoices(hops), limits: calmLimits, specs: [{ listen: loopback, front }] };
  return startApp(graceMs, (runtime) => startForward({ ...defaults, ...options }, runtime));
}

/** Makes a route through hops. Its sessions are closed after the test, without waiting for the hops. */
export async function makeRoute(hops: readonly Hop[], limits: Limits = calmLimits): Promise<Route> {
  const route = await createRoute({ hops: toChoices(hops), limits });
  onTestFinished(() => void route.close());
  return route;
}

function toChoices(hops: readonly Hop[]): Hop[][] {
  return hops.map((hop) => [hop]);
}

/** Every fact that can be learned of a hop, forgotten. */
export const unknown: { readonly [Name in keyof Required<Learned>]: undefined } = {
  scheme: undefined,
  realm: undefined,
  closes: undefined,
  version: undefined,
};

/** Makes a hop on loopback that nothing is known of: a proxy of an earlier test may have had this port. */
export function makeHop(scheme: string, port: number, more: Partial<Hop> = {}): Hop {
  const hop: Hop = { scheme, address: { ...loopback, port }, tls: {}, headers: [], settings: {}, ...more };
  learn(hop, unknown);
  return hop;
}

/** Returns the pin that a server with a development certificate has announced. */
export function findPin(app: TestApp): string {
  const pins = app.eventsOf('notice').map(({ message }) => /pin (sha256\/\S+)$/.exec(message)?.[1]);
  return pins.find((pin) => pin !== undefined) ?? '';
}

type Start = (runtime: { scope: Scope; emit: (event: TunlEvent) => void; graceMs: number }) => Promise<Running>;

async function startApp(graceMs: number, start: Start): Promise<TestApp> {
  const scope = new Scope();
  const events: TunlEvent[] = [];
  const running = await start({ scope, emit: (event) => void events.push(event), graceMs });
  onTestFinished(async () => {
    scope.force(new TunlError('interrupted', 'the test is over'));
    await running.done;
  });
  return { running, scope, port: portOf(running.addresses[0]), events, eventsOf: (kind) => selectEvents(events, kind) };
}

function selectEvents<K extends TunlEvent['event']>(events: readonly TunlEvent[], kind: K) {
  return events.filter((event): event is Extract<TunlEvent, { event: K }> => event.event === kind);
}

function portOf(address: Address | undefined): number {
  return address?.kind === 'tcp' ? address.port : 0;
}
