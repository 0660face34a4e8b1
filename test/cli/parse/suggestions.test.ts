import { expect, test } from 'vitest';
import { run } from '../../../src/cli/run.ts';
import { makeIo } from '../../support/harness/fake-io.ts';

/** What people type first, and what they typed for other programs. */
const lines: readonly string[] = [
  'version',
  'conect db:22',
  'fwd 8080:db:80',
  'sevre',
  'proxy',
  'ssh host',
  'http 8080',
  'man connect',
  'constructor',
  'chain.yaml',
  'db:22',
  ':db:5432',
  '8080:db:80 -x http://p:1',
  '-x http://p:1 db:22',
  '-x http://alice:hunter2@p:1',
  'http://alice:hunter2@p:1 db:22',
  '--frobnicate',
  'help cnnect',
  'help exit-code',
  'connect db:22 -k',
  'connect db:22 -U user:hunter2',
  'connect db:22 --proxy-user user:hunter2',
  'connect db:22 --timeout 5',
  'connect db:22 -m 5',
  'connect db:22 --prox http://p:1',
  'connect db:22 --prxy http://p:1',
  'connect db:22 --header X:1',
  'connect db:22 -H X:1',
  'connect db:22 --socks5 p:1080',
  'connect db:22 --proxy-ntlm',
  'connect db:22 --noproxy',
  'connect db:22 --version',
  'connect db:22 -p 22',
  'connect db:22 -z',
  'connect db:22 --no-insecure',
  'connect https://host',
  'connect https://host/path?query',
  'connect ssh://git@host:2222/repo',
  'connect gopher://host',
  'connect http://alice:hunter2@p:1',
  'connect http://alice:hunter2@p:1 db:22',
  'connect db',
  'connect user@host:22',
  'connect',
  'forward 5432',
  'forward 8080:db',
  'forward db:5432',
  'forward http://alice:hunter2@p:1',
  'forward -D 1080',
  'forward -N -L 8080:db:80',
  'forward -R 8080:db:80',
  'serve http://alice:hunter2@p:1',
  'serve --tls-target',
  'serve --prot 3128',
  'chain chain.yaml',
  'chain ./envoy.json --check',
  'chain 10000',
  'chain -f chain.yaml',
  'check https://host',
  'pac https://host',
  'passwd users',
  'completion fsh',
];

test('what people type first is answered by one line and one hint, without a password', async () => {
  const answers = await Promise.all(
    lines.map(async (line) => {
      const io = makeIo();
      expect([line, await run(line.split(' '), io), io.out()]).toEqual([line, 2, '']);
      return `$ tunl ${line}\n${io.said()}`;
    }),
  );
  for (const answer of answers) {
    expect(answer.trimEnd().split('\n').slice(1)).toEqual([
      expect.stringMatching(/^tunl: (?!hint: )/),
      expect.stringMatching(/^tunl: hint: /),
    ]);
    expect(answer.split('\n').slice(1).join('\n')).not.toContain('hunter2');
  }
  await expect(answers.join('\n')).toMatchFileSnapshot('../../golden/suggestions.txt');
});
