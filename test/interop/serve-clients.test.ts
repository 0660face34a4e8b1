import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { startSshd, type Sshd } from './parts/sshd.ts';
import { type LoginFile, type ProxyCall, type ProxyClient, proxyClients } from './support/clients.ts';
import { greeting, type Origin, startGreeter } from './support/origin.ts';
import type { Part } from './support/part.ts';
import { makeDigester, makePayload, type Payload } from './support/payload.ts';
import { launch, run } from './support/process.ts';
import { ssh } from './support/ssh.ts';
import { formatProxyCommand, startTunlServe } from './support/tunl.ts';
import { makeFolder } from './support/workspace.ts';

const login: LoginFile = { user: 'alice', password: 'correct-horse', file: join(makeFolder('login'), 'login') };

let sshd: Sshd;
let greeter: Origin;
let payload: Payload;
let proxy: Part;
let guarded: Part;

beforeAll(async () => {
  writeFileSync(login.file, `${login.user}:${login.password}\n`, { mode: 0o600 });
  payload = makePayload(20_000_000);
  sshd = await startSshd();
  greeter = await startGreeter();
  proxy = await startTunlServe();
  guarded = await startTunlServe(['--user', login.user], { TUNL_SERVE_PASSWORD: login.password });
  return async () => {
    await Promise.all([proxy.stop(), guarded.stop(), sshd.stop(), greeter.stop()]);
  };
});

describe.each(proxyClients)('$name with tunl serve', (client) => {
  test('gets a greeting at once and its own bytes back', async () => {
    await expectEcho(client, makeCall(proxy), {}, proxy);
  });

  test('carries ssh', async () => {
    const proxyCommand = formatProxyCommand(client.write({ ...makeCall(proxy), host: '%h', port: '%p' }));
    const output = makeDigester();
    const result = await ssh(sshd, { proxyCommand }, `cat '${payload.file}'`, { output });
    expect(result, proxy.log()).toMatchObject({ code: 0 });
    expect(output.read().toString('hex')).toBe(payload.sha256);
  });

  test('is kept out where a password is wanted', async () => {
    const [file, ...args] = client.write(makeCall(guarded));
    const { stdout } = await run({ file, args }, { input: 'bytes that must not arrive' });
    expect(stdout).not.toContain(greeting);
  });
});

describe.each(proxyClients.filter(({ takesLogin }) => takesLogin))('$name with a user', (client) => {
  test('gets in with the password', async () => {
    await expectEcho(client, { ...makeCall(guarded), login }, client.writeEnv?.(login) ?? {}, guarded);
  });
});

function makeCall({ port }: Part): ProxyCall {
  return { proxy: `127.0.0.1:${port}`, proxyPort: port, host: '127.0.0.1', port: `${greeter.port}` };
}

async function expectEcho(client: ProxyClient, call: ProxyCall, env: Record<string, string>, via: Part): Promise<void> {
  const sent = randomBytes(1 << 20);
  const [file, ...args] = client.write(call);
  const running = launch({ file, args, env });
  try {
    await running.waitFor('greeting', () => (running.stdout().length >= greeting.length ? true : undefined));
    // Its input stays open: several of these programs drop the answer once their input has ended.
    running.child.stdin?.write(sent);
    const whole = greeting.length + sent.length;
    await running.waitFor('echo', () => (running.stdout().length >= whole ? true : undefined));
    expect(running.stdout().equals(Buffer.concat([Buffer.from(greeting), sent])), via.log()).toBe(true);
  } finally {
    await running.stop();
  }
}
