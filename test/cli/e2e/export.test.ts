import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { runTunl } from '../../support/harness/tunl-process.ts';

/** The listeners of a bootstrap file of Envoy, by name. */
function nameListeners(text: string): string[] {
  const { static_resources: resources } = parse(text) as { static_resources: { listeners: { name: string }[] } };
  return resources.listeners.map(({ name }) => name);
}

test.each([
  [
    ['chain', '1', 'internal://encap', 'h2c://p:1', 'db:5432'],
    ['ingress', 'encap'],
  ],
  [
    ['forward', '1:db:5432', '2:db:5433', '-x', 'h2c://p:1'],
    ['forward-1', 'forward-2'],
  ],
  [['serve', '--no-plain'], ['serve']],
])('tunl %j runs nothing with --export envoy, and writes what would run', async (args, names) => {
  const { code, stdout, stderr } = await runTunl([...args, '--export', 'envoy']);
  expect([code, stderr]).toEqual([0, '']);
  expect(nameListeners(stdout)).toEqual(names);
});

test('a password of a proxy stays where it is, and the file says what Envoy needs instead', async () => {
  const { code, stdout, stderr } = await runTunl([
    'forward',
    '1:db:1',
    '-x',
    'http://me:hidden-word@p',
    '--export',
    'envoy',
  ]);
  expect([code, stderr]).toEqual([0, expect.not.stringContaining('hidden-word')]);
  expect(stdout).not.toContain('hidden-word');
  expect(stdout).not.toContain(Buffer.from('me:hidden-word').toString('base64'));
  expect(stdout).toMatch(/^# set TUNL_PROXY_BASIC for Envoy to USER:PASSWORD in base64\n/);
});

test('what Envoy cannot run, and a form that there is not, are refused', async () => {
  const refused = await runTunl(['serve', '--no-plain', '--deny', '*:25', '--export', 'envoy']);
  expect(refused).toMatchObject({
    code: 2,
    stdout: '',
    stderr: 'tunl: cannot export to Envoy: serve: it has no rules by name and address for where tunnels may go\n',
  });
  expect(await runTunl(['serve', '--export', 'nginx'])).toMatchObject({
    code: 2,
    stdout: '',
    stderr: 'tunl: --export "nginx" is not envoy\n',
  });
});
