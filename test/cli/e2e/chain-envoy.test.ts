import { once } from 'node:events';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { askPort } from '../../support/harness/ask-port.ts';
import { editFixture, readFixture } from '../../support/graphs/envoy-file.ts';
import { eventually } from '../../support/eventually.ts';
import { echo, startTarget } from '../../support/targets/plain.ts';
import { makeTempFolder, writeTempFile } from '../../support/temp.ts';
import { runTunl, startTunl } from '../../support/harness/tunl-process.ts';

const writeFile = (text: string) => writeTempFile('envoy.yaml', text);

/** One of the files with a free port to listen on, no admin address, and another port to go to. */
function place(name: string, [listen, to]: readonly [number, number], port: number | string | undefined): string {
  const text = editFixture(name, `port_value: ${listen} }`, 'port_value: 0 }').replace(/^admin:[^]*?\n(?=\w)/m, '');
  return text.replace(`port_value: ${to} }`, `port_value: ${port} }`);
}

test('a file of Envoy runs: through an internal listener to a server', async () => {
  const target = await startTarget(echo);
  const path = writeFile(place('tcp-through-internal', [9999, 10000], target.port));
  const { child, ended, waitFor } = startTunl(['chain', '-c', path]);
  const [, port] = await waitFor(/forwarding 127\.0\.0\.1:(\d+) -> internal:\/\/encap/);
  expect(await askPort(port, 'hello')).toBe('hello');
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
});

test.each(['tcp-to-http1-connect-old', 'tcp-to-http2-connect', 'tcp-to-http2-post'])(
  'the tunnels of %s.yaml are taken by serve',
  async (name) => {
    const target = await startTarget(echo);
    const serve = startTunl(['serve', '0', '--post', '--allow', '127.0.0.1']);
    const [, hop] = await serve.waitFor(/serving 127\.0\.0\.1:(\d+)/);
    const text = place(name, [10000, 10001], hop).replace('host.com:443', `127.0.0.1:${target.port}`);
    const near = startTunl(['chain', '-c', writeFile(text)]);
    const [, port] = await near.waitFor(/forwarding 127\.0\.0\.1:(\d+) ->/);
    expect(await askPort(port, 'hello')).toBe('hello');
    near.child.kill('SIGTERM');
    serve.child.kill('SIGTERM');
    expect([(await near.ended).code, (await serve.ended).code]).toEqual([0, 0]);
  },
);

test.each([
  ['HTTP/2', 'http2_protocol_options'],
  ['HTTP/1.1', 'http_protocol_options'],
])('a request goes into a tunnel of %s and is answered inside the other process', async (_version, options) => {
  const far = startTunl(['chain', '-c', writeFile(place('end-http-in-http2-connect', [10001, 1], 1))]);
  const [, hop] = await far.waitFor(/serving 127\.0\.0\.1:(\d+)/);
  const text = place('http-in-http2-connect', [10000, 10001], hop).replace('http2_protocol_options', options);
  const near = startTunl(['chain', '-c', writeFile(text)]);
  const [, port] = await near.waitFor(/(?:serving|forwarding) 127\.0\.0\.1:(\d+)/);
  const answer = await fetch(`http://127.0.0.1:${port}/any`);
  expect([answer.status, await answer.text()]).toEqual([200, 'Hello from inside\n']);
  near.child.kill('SIGTERM');
  far.child.kill('SIGTERM');
  expect([(await near.ended).code, (await far.ended).code]).toEqual([0, 0]);
});

test('SIGHUP reads it again, and what is wrong then changes nothing', async () => {
  const first = await startTarget((socket) => void socket.end('first'));
  const second = await startTarget(echo);
  const path = writeFile(place('tcp-through-internal', [9999, 10000], second.port));
  const { child, ended, waitFor } = startTunl(['chain', '-c', path]);
  const [, port] = await waitFor(/forwarding 127\.0\.0\.1:(\d+) ->/);
  const good = readFileSync(path, 'utf8');
  writeFileSync(path, good.replace('stat_prefix: encap', 'stat_prefixx: encap'));
  child.kill('SIGHUP');
  await waitFor(/envoy\.yaml:\d+:\d+: unknown field "stat_prefixx" of TcpProxy[^]*run on as they were/);
  expect(await askPort(port, 'hello')).toBe('hello');
  writeFileSync(path, good.replace(`port_value: ${second.port} }`, `port_value: ${first.port} }`));
  child.kill('SIGHUP');
  await waitFor(/was read again/);
  expect(await askPort(port, 'hello')).toBe('first');
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
});

test('--check, --draw and --print know it, and what is printed is a file of ours that says the same', async () => {
  const path = writeFile(readFixture('tcp-through-internal'));
  const checked = await runTunl(['chain', '-c', path, '--check']);
  expect(checked).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ingress [^]*\nencap /), stderr: '' });
  expect(await runTunl(['chain', '-c', path, '--draw'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('encap'),
  });
  const printed = await runTunl(['chain', '-c', path, '--print']);
  expect(printed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^stages:/m), stderr: '' });
  const again = await runTunl(['chain', '-c', writeFile(printed.stdout), '--check']);
  // Whether the ports are free may change in between.
  const stagesOf = ({ stdout }: typeof checked) => stdout.replace(/^listen .*\n/gm, '');
  expect([again.code, stagesOf(again)]).toEqual([0, stagesOf(checked)]);
});

test('what is wrong ends it with 2 and its place, before anything listens', async () => {
  const path = writeFile(readFixture('tcp-through-internal').replace('cluster: inside', 'clutser: inside'));
  expect(await runTunl(['chain', '-c', path])).toMatchObject({
    code: 2,
    stderr: `tunl: ${path}:21:17: unknown field "clutser" of TcpProxy\ntunl:   21 |                 clutser: inside\ntunl:      |                 ^\ntunl: hint: did you mean cluster?\n`,
  });
});

test('--allow-unknown-fields leaves them out, and -v names them', async () => {
  const path = writeFile(`some_new_field: 1\nnode: { id: me }\n${readFixture('tcp-through-internal')}`);
  const words = ['chain', '-c', path, '--check', '--allow-unknown-fields'];
  expect(await runTunl(words)).toMatchObject({ code: 0, stderr: '' });
  const { stderr } = await runTunl([...words, '-v']);
  expect(stderr).toBe(
    `tunl: ${path}:1:1: unknown field "some_new_field" of Bootstrap is left out\ntunl: ${path}:2:1: node makes no difference here\n`,
  );
});

test('a file of ours has no fields that could be left out', async () => {
  const path = writeFile('stages: { a: { listen: 0, to: b:1 } }');
  expect(await runTunl(['chain', '-c', path, '--check', '--allow-unknown-fields'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--allow-unknown-fields is for files of Envoy'),
  });
});

test('a field with an operator reaches the proxy, filled in', async () => {
  const proxy = await startTarget();
  const text = place('tcp-to-http2-connect', [10000, 10001], proxy.port).replace('http2_protocol', 'http_protocol');
  const { child, ended, waitFor } = startTunl(['chain', '-c', writeFile(text)]);
  const [, port] = await waitFor(/forwarding 127\.0\.0\.1:(\d+) ->/);
  const client = connect(Number(port), '127.0.0.1');
  const asked = await proxy.accept();
  expect(await asked.readHead()).toContain(`\r\noriginal_dst_port: ${port}\r\n`);
  asked.send('HTTP/1.1 200 OK\r\n\r\n');
  client.end();
  asked.fin();
  await once(client.resume(), 'close');
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
});

test('a line for each connection goes to stdout and to a file, which is found again after SIGHUP', async () => {
  const target = await startTarget(echo);
  const log = join(makeTempFolder(), 'access.log');
  const logs = `access_log:
                  - name: file
                    typed_config:
                      '@type': type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
                      path: ${log}
                      log_format: { text_format_source: { inline_string: "%BYTES_SENT% %UPSTREAM_CLUSTER%\\n" } }
                  - name: stdout
                    typed_config:
                      '@type': type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog
                      log_format: { json_format: { sent: '%BYTES_SENT%', flags: '%RESPONSE_FLAGS%' } }`;
  const text = place('tcp-through-internal', [9999, 10000], target.port);
  const path = writeFile(text.replace('cluster: inside', `cluster: inside\n                ${logs}`));
  const { child, ended, waitFor } = startTunl(['chain', '-c', path]);
  const [, port] = await waitFor(/forwarding 127\.0\.0\.1:(\d+) ->/);
  expect(await askPort(port, 'hello')).toBe('hello');
  await eventually(() => readFileSync(log, { encoding: 'utf8', flag: 'a+' }), '5 inside\n');
  renameSync(log, `${log}.1`);
  child.kill('SIGHUP');
  await waitFor(/was read again/);
  expect(await askPort(port, 'hi')).toBe('hi');
  await eventually(() => readFileSync(log, { encoding: 'utf8', flag: 'a+' }), '2 inside\n');
  child.kill('SIGTERM');
  const { code, stdout } = await ended;
  expect([code, stdout]).toEqual([0, '{"sent":5,"flags":"-"}\n{"sent":2,"flags":"-"}\n']);
});
