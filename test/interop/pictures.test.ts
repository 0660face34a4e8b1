import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { findBlock } from '../support/readme.ts';
import { startSquid } from './parts/squid.ts';
import { openPageWorld, startDatabase, startShell } from './support/page-world.ts';
import { drawScreen, readPicture } from './support/picture.ts';
import { openScreen } from './support/screen.ts';
import { hasWorld } from './support/world.ts';

/** What differs from run to run. */
const masks = [
  // Where a text stands and how long it is depends on the numbers in it.
  [/(?<= (?:x|textLength)=)"[\d.]+"/g, '"N"'],
  [/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT'],
  [/OpenSSH_[^"]*/g, 'OpenSSH'],
  [/\b\d+(?:\.\d+)? ?ms\b/g, 'N ms'],
] as const;

const mask = (text: string) => masks.reduce((rest, [pattern, word]) => rest.replaceAll(pattern, word), text);

/** Checks that a picture shows what was seen; `npm run pictures` draws it anew instead where it does not. */
function expectPicture(name: string, svg: string): void {
  const path = fileURLToPath(new URL(`../../docs/${name}.svg`, import.meta.url));
  const shown = existsSync(path) ? readFileSync(path, 'utf8') : '';
  // Drawn without what differs, so that a change of the drawing is seen too.
  if (mask(svg) === mask(shown)) return;
  if (process.env['TUNL_PICTURES'] === 'write') {
    writeFileSync(path, svg);
    return;
  }
  expect(mask(readPicture(svg)), 'npm run pictures draws it anew').toBe(mask(readPicture(shown)));
  expect.fail(`docs/${name}.svg would be drawn in another way: npm run pictures`);
}

describe.skipIf(!hasWorld)('the pictures', () => {
  test('of the README are what a terminal shows', async () => {
    const world = await openPageWorld(['proxy', 'proxy.corp', 'host', 'db.internal'], ['me']);
    onTestFinished(world.stop);
    const shell = await startShell(world);
    await world.lend('host:22', async () => shell);
    await world.lend('db.internal:5432', () => startDatabase(world));
    await world.lend('proxy:3128', startSquid);
    await world.lend('host:443', async () => shell);
    await world.begin('exec tunl serve proxy.corp:8080 --open --allow host:443', /serving/);
    await world.run(`touch ~me/notes.txt ~me/parcels.csv
      psql -h db.internal -q app -c 'create table parcels (id int, city text)' -c "insert into parcels values (1, 'Riga'), (2, 'Oslo')"`);

    const [ssh = ''] = findBlock('ssh').split('\n');
    const commands = [
      ssh.slice('$ '.length),
      `${findBlock('psql').trim()} -c 'table parcels'`,
      'tunl check -x http://proxy.corp:8080 host:22',
    ];
    const bash = world.command("PS1='$ ' exec bash --noprofile --norc -i", { LC_ALL: 'C.UTF-8', PAGER: 'cat' });
    const seen: string[] = [];
    for (const command of commands) {
      const screen = await openScreen(bash, { columns: 108, rows: 40 });
      onTestFinished(screen.stop);
      await screen.waitFor(/^\$\n*$/);
      await screen.type(command);
      await screen.press('Enter');
      await screen.waitFor(/^\$ .+\n[^]*\n\$\n*$/);
      seen.push((await screen.readColoured()).trimEnd().replace(/\n+\$$/, '\n'));
    }
    expectPicture(
      'first-tunnels',
      drawScreen(seen.join('\n'), 'A terminal: ssh and psql through a proxy, and what another proxy allows'),
    );
  });
});
