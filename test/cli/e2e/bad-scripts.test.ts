import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readEvents } from '../../support/event-schema.ts';
import { makeScript } from '../../support/harness/scripts.ts';
import { startTarget } from '../../support/targets/plain.ts';
import { makeTempFolder } from '../../support/temp.ts';
import { runTunl } from '../../support/harness/tunl-process.ts';

// Mistakes of scripts: each is exit 2, and the message has the wrong text and the text to write instead.
const mistakes: readonly (readonly [what: string, words: readonly string[], quoted: string, hint: string])[] = [
  ['a placeholder of a listener that is not there', ['--', 'psql', '-p{port2}'], '"{port2}"', '{port} {host} {addr}'],
  ['a placeholder that was mistyped', ['--', 'psql', '{prot}'], '"{prot}"', 'for the text itself write {{prot}}'],
  ['no command', ['--'], 'the command after -- is missing', '-- COMMAND ARG'],
  ['an empty command', ['--', '', 'x'], 'the command after -- is missing', '-- COMMAND ARG'],
  ['two SPECs for one port', ['7000:a:1', '7000:b:2'], '"localhost:7000"', 'its own port'],
  ['a SPEC within another', ['*:7000:a:1', '[::1]:7000:b:2'], '"[::1]:7000"', 'its own port'],
  ['a SPEC without a local port', ['db:5432'], '"db:5432"', '":db:5432"'],
  ['a SPEC without a target port', ['7000:db'], '"7000:db"', 'write the port of the target too: 7000:db:HOSTPORT'],
  ['a SPEC without a host', ['7000::5432'], '":5432"', 'HOST:5432'],
  [
    'a password file that is not there',
    ['-x', 'http://u@PROXY', '--password-file', '/no/file'],
    '"/no/file"',
    'first line',
  ],
  ['a password file that is a folder', ['-x', 'http://u@PROXY', '--password-file', '/'], '"/"', 'first line'],
  ['an unknown scheme', ['-x', 'htps://PROXY'], '"htps"', 'did you mean https://?'],
  ['an unknown setting', ['-x', 'https://PROXY?cacrt=x'], '"cacrt"', 'did you mean cacert?'],
  ['a setting without a value', ['-x', 'https://PROXY?pin'], 'the setting pin', '?pin=VALUE'],
  ['a setting that is empty', ['-x', 'https://PROXY?cacert='], 'the setting cacert', '?cacert=VALUE'],
  ['a setting given twice', ['-x', 'https://PROXY?cacert=x&cacert=y'], 'the setting cacert', 'one of them'],
  ['a setting that is no pin', ['-x', 'https://PROXY?pin=x'], '"x" is not a pin', 'sha256/'],
  ['a setting that is no switch', ['-x', 'https://PROXY?insecure=maybe'], '"maybe"', 'true or false'],
  ['a setting for TLS where there is none', ['-x', 'http://PROXY?cacert=x'], 'the setting cacert', 'https://'],
  ['a setting that names no file', ['-x', 'https://PROXY?cacert=/no/file'], '"/no/file"', 'PEM'],
  ['a port file in no folder', ['--port-file', '/no/folder/port'], '"/no/folder/port"', 'folder must be writable'],
  ['a ready descriptor that is not open', ['--ready-fd', '99'], '--ready-fd 99', '99>FILE'],
];

test.each(mistakes)('%s is exit 2, and nothing is opened', async (_what, words, quoted, hint) => {
  const proxy = await startTarget();
  const [portFile, mark] = [join(makeTempFolder(), 'port'), join(makeTempFolder(), 'ran')];
  const command = makeScript('import { writeFileSync } from "node:fs"; writeFileSync(process.argv[2], "");', mark);
  const place = `127.0.0.1:${proxy.port}`;
  const line = (more: readonly string[]) => [
    'forward',
    ...(words.includes('--port-file') ? [] : ['--port-file', portFile]),
    ...more,
    `:127.0.0.1:${proxy.port}`,
    ...words.map((word) => word.replace('PROXY', place)),
    ...(words.includes('--') ? [] : ['--', ...command]),
  ];
  const { code, stdout, stderr } = await runTunl(line([]));
  expect([code, stdout]).toEqual([2, '']);
  const [said = '', ...hints] = stderr.trimEnd().split('\n');
  expect(said).toMatch(/^tunl: [^A-Z].*[^.]$/);
  expect(said.replace(place, 'PROXY')).toContain(quoted);
  expect(hints.join('\n')).toContain(hint);
  for (const other of hints) expect(other).toMatch(/^tunl: hint: \S/);

  const events = readEvents((await runTunl(line(['--json']))).stderr);
  expect(events).toEqual([expect.objectContaining({ event: 'error', code: 'usage', exit: 2, phase: 'arguments' })]);
  expect([proxy.accepted, existsSync(portFile), existsSync(mark)]).toEqual([0, false, false]);
});
