import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Instance } from '../../src/app/commands/instance.ts';
import { findInstance, listInstances, stopInstance, waitForListener } from '../../src/app/commands/instances.ts';
import { Entries } from '../../src/background/entries.ts';
import { TunlError } from '../../src/core/errors.ts';
import { listen } from '../../src/listeners/socket.ts';
import { Tunnels } from '../../src/app/tunnel/tunnels.ts';
import { eventually } from '../support/eventually.ts';
import { makeTempFolder } from '../support/temp.ts';

/** The environment of a user of one's own. */
function makeUser(): { readonly env: Record<string, string>; readonly state: string } {
  const state = makeTempFolder();
  return { env: { XDG_STATE_HOME: state }, state: join(state, 'tunl') };
}

async function start(env: Record<string, string>, name: string, stop = () => {}): Promise<Instance> {
  const instance = await Instance.start({ env, name, command: 'tunl serve', stop, lookMs: 5 });
  onTestFinished(() => instance.close());
  return instance;
}

const names = async (env: Record<string, string>) => (await listInstances(env)).map(({ name }) => name);

describe('an instance', () => {
  test('is found by its name, and not once it has ended', async () => {
    const { env } = makeUser();
    expect(await names(env)).toEqual([]);
    const instance = await start(env, 'db');
    await start(env, 'cache');
    expect(await names(env)).toEqual(['cache', 'db']);
    expect((await findInstance('db', env))?.status).toMatchObject({ name: 'db', pid: process.pid, state: 'starting' });
    await instance.close();
    expect(await names(env)).toEqual(['cache']);
    expect(await findInstance('db', env)).toBeUndefined();
  });

  test('is refused if its name is taken, and changes nothing then', async () => {
    const { env } = makeUser();
    const first = await start(env, 'db');
    await expect(start(env, 'db')).rejects.toThrow(`"db" already runs in the background (pid ${process.pid})`);
    expect((await findInstance('db', env))?.status?.id).toBe(first.status().id);
  });

  test('is one, however many start at the same time', async () => {
    const { env } = makeUser();
    const started = await Promise.allSettled(['db', 'db', 'db', 'db'].map((name) => start(env, name)));
    expect(started.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await names(env)).toEqual(['db']);
  });

  test('of another user is not seen', async () => {
    const [mine, theirs] = [makeUser(), makeUser()];
    await start(theirs.env, 'db');
    expect(await names(mine.env)).toEqual([]);
    await start(mine.env, 'db');
    expect(await names(mine.env)).toEqual(['db']);
  });

  test('takes the name of a process that was killed, and leaves nothing of it', async () => {
    const { env, state } = makeUser();
    const first = await start(env, 'other');
    const socket = join(state, 'run', 'killed.sock');
    await new Entries(state).add({ version: 1, name: 'db', id: 'killed', socket });
    await new Entries(state).add({ version: 1, name: 'web', id: 'killed', socket });
    expect(await names(env)).toEqual(['other']);
    expect(existsSync(join(state, 'web.json'))).toBe(false);
    await new Entries(state).add({ version: 1, name: 'db', id: 'killed', socket });
    const { id } = (await start(env, 'db')).status();
    expect((await findInstance('db', env))?.status?.id).toBe(id);
    await first.close();
  });

  test('is not taken for one that has its socket', async () => {
    const { env, state } = makeUser();
    const instance = await start(env, 'db');
    const { socket = '' } = (await new Entries(state).read('db')) ?? {};
    await new Entries(state).add({ version: 1, name: 'web', id: 'killed', socket });
    expect(await names(env)).toEqual(['db']);
    await instance.close();
  });

  test('that ends while it is asked keeps its entry until nobody accepts', async () => {
    const { env, state } = makeUser();
    await start(env, 'other');
    const socket = join(state, 'run', 'busy.sock');
    const listener = await listen({ kind: 'unix', path: socket }, (link) => link.reset(new Error('busy')));
    await new Entries(state).add({ version: 1, name: 'db', id: 'busy', socket });
    expect(await findInstance('db', env)).toBeUndefined();
    expect(existsSync(join(state, 'db.json'))).toBe(true);
    await listener.close();
    expect(await names(env)).toEqual(['other']);
    expect(existsSync(join(state, 'db.json'))).toBe(false);
  });

  test.each(['db.json', 'run', '.'])('writes its entry again once %s has vanished', async (path) => {
    const { env, state } = makeUser();
    const instance = await start(env, 'db');
    rmSync(join(state, path), { recursive: true, force: true });
    await eventually(
      async () => (await findInstance('db', env).catch(() => undefined))?.status?.id,
      instance.status().id,
    );
  });

  test('stops when it is asked to', async () => {
    const { env } = makeUser();
    let asked = 0;
    const instance = await start(env, 'db', () => void asked++);
    const { ended } = await stopInstance('db', env);
    expect(asked).toBe(1);
    await instance.close();
    await ended;
    await start(env, 'db');
    await expect(stopInstance('web', env)).rejects.toMatchObject({
      code: 'usage',
      facts: { hints: ['what does: db'] },
    });
  });

  test('tells what its command does', async () => {
    const { env } = makeUser();
    const instance = await start(env, 'db');
    const facts = { id: 1, client: 'c:1', target: 'db:1', via: [] };
    const at = { kind: 'tcp', host: '127.0.0.1', port: 5432 } as const;
    const listening = { event: 'listening', role: 'forward', port: 5432, via: [] } as const;
    instance.noteAddresses([at]);
    instance.note({ ...listening, address: '127.0.0.1:5432', target: 'db:1' });
    instance.note({ ...listening, address: '127.0.0.1:1', target: 'gone:1' });
    instance.note({ ...facts, event: 'tunnel.closed', sent: 3, received: 4, ms: 1, end: 'clean' });
    instance.note({ ...facts, event: 'tunnel.failed', ms: 1, error: new TunlError('connection_refused', 'refused') });
    instance.noteReady(new Tunnels(() => {}));
    await waitForListener({ kind: 'name', name: 'db' }, env, 20_000);
    expect((await findInstance('db', env))?.status).toMatchObject({
      state: 'listening',
      listeners: [{ role: 'forward', address: '127.0.0.1:5432', port: 5432, target: 'db:1' }],
      sent: 3,
      received: 4,
      lastFailure: { code: 'connection_refused', message: 'refused' },
    });
    instance.note({ event: 'draining', tunnels: 0, graceMs: 0 });
    expect(instance.status().state).toBe('draining');
  });
});

describe('waiting', () => {
  test('ends once an address accepts', async () => {
    const socket = join(makeTempFolder(), 'x.sock');
    const address = { kind: 'unix', path: socket } as const;
    const waited = waitForListener({ kind: 'address', address }, {}, 20_000);
    const unix = await listen(address, (link) => link.stream.destroy());
    onTestFinished(() => unix.close());
    await waited;
    const tcp = await listen({ kind: 'tcp', host: '127.0.0.1', port: 0 }, (link) => link.stream.destroy());
    onTestFinished(() => tcp.close());
    if (tcp.address.kind !== 'tcp') throw new Error('not TCP');
    await waitForListener({ kind: 'address', address: tcp.address }, {}, 20_000);
  });

  test('has a limit', async () => {
    const { env } = makeUser();
    const waited = waitForListener({ kind: 'name', name: 'db' }, env, 1);
    await expect(waited).rejects.toMatchObject({ code: 'connection_timeout' });
  });
});
