import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { createDirect } from '../../../src/dial/direct.ts';
import { findCacheFolder } from '../../../src/core/environment.ts';
import { PacCache } from '../../../src/pac/file/cache.ts';
import { decodePac } from '../../../src/pac/file/charset.ts';
import { fetchPac, type FetchEnv } from '../../../src/pac/file/fetch.ts';
import { PacFile } from '../../../src/pac/file/file.ts';
import { makeTempFolder } from '../../support/temp.ts';
import { pac, startWeb, type Web, writeAnswer } from './web.ts';

const calm = new AbortController().signal;

const env: FetchEnv = {
  dial: createDirect({ resolve: async () => [{ address: '127.0.0.1', family: 4 }], connectMs: 4000 }),
  secure: () => Promise.reject(new Error('there is no TLS')),
};

const hourMs = 3_600_000;

/** Makes a file whose text has to contain a function, with a clock that the test moves. */
function makeFile(url: URL, folder: string, clock = { now: Date.now() }) {
  const notices: string[] = [];
  const file = new PacFile<string>({
    ...env,
    url,
    cache: new PacCache(folder),
    prepare: async (text) => (text.includes('function') ? text : Promise.reject(new Error('no function'))),
    now: () => clock.now,
  });
  const use = async () => (await file.use(calm, (level, message) => void notices.push(`${level}: ${message}`))).script;
  return { file, use, notices, clock };
}

const warnings = (notices: readonly string[]) => notices.filter((notice) => notice.startsWith('warning: '));

test('a file is asked for as browsers do, and used for an hour', async () => {
  const web = await startWeb(writeAnswer(pac('DIRECT')));
  const { use, clock } = makeFile(web.url, makeTempFolder());
  expect(await use()).toBe(pac('DIRECT'));
  clock.now += hourMs - 1;
  expect(await use()).toBe(pac('DIRECT'));
  expect(web.heads).toHaveLength(1);
  expect(web.heads[0]).toMatch(
    /^GET \/proxy\.pac\?x=1 HTTP\/1\.1\r\nhost: 127\.0\.0\.1:\d+\r\nuser-agent: tunl\/\S+\r\n/i,
  );
  expect(web.heads[0]).not.toMatch(/if-|authorization|cookie/i);
});

test('after an hour the server is asked whether the copy is still right', async () => {
  const fields = ['ETag: "one"', 'Last-Modified: Mon, 30 Nov 2026 10:00:00 GMT'];
  const web = await startWeb(
    writeAnswer(pac('DIRECT'), fields),
    'HTTP/1.1 304 Not Modified\r\n\r\n',
    writeAnswer(pac('PROXY a:1')),
  );
  const { use, clock, notices } = makeFile(web.url, makeTempFolder());
  await use();
  clock.now += hourMs;
  expect(await use()).toBe(pac('DIRECT'));
  expect(web.heads[1]).toMatch(/^if-none-match: "one"\r\nif-modified-since: Mon, 30 Nov 2026 10:00:00 GMT\r$/im);
  clock.now += hourMs;
  expect(await use()).toBe(pac('PROXY a:1'));
  expect(web.heads).toHaveLength(3);
  expect(notices.map((notice) => notice.replace(/:\d{4,5}/, ''))).toEqual([
    expect.stringMatching(/^verbose: http:\/\/127\.0\.0\.1\/proxy\.pac: \d+ bytes$/),
    'verbose: http://127.0.0.1/proxy.pac: unchanged',
    expect.stringMatching(/bytes$/),
  ]);
});

test('the copy of another run is used without asking, and is for its owner only', async () => {
  const folder = join(makeTempFolder(), 'tunl');
  const web = await startWeb(writeAnswer(pac('DIRECT'), ['ETag: "one"']), 'HTTP/1.1 304 Not Modified\r\n\r\n');
  await makeFile(web.url, folder).use();
  const [name = ''] = readdirSync(folder);
  expect(name).toMatch(/^pac-[0-9a-f]{32}\.json$/);
  expect([statSync(folder).mode & 0o777, statSync(join(folder, name)).mode & 0o777]).toEqual([0o700, 0o600]);
  const next = makeFile(web.url, folder);
  expect(await next.use()).toBe(pac('DIRECT'));
  expect(web.heads).toHaveLength(1);
  const later = makeFile(web.url, folder, { now: Date.now() + hourMs });
  expect(await later.use()).toBe(pac('DIRECT'));
  expect(web.heads[1]).toMatch(/^if-none-match: "one"\r$/im);
});

/** Writes another body or another time into the only copy of a folder. */
function changeCopy(folder: string, change: (copy: Record<string, unknown>) => void, mode = 0o600): void {
  const path = join(folder, readdirSync(folder)[0] ?? '');
  const copy = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  change(copy);
  writeFileSync(path, JSON.stringify(copy));
  if (mode !== 0o600) chmodSync(path, mode);
}

test.each<[string, (folder: string) => void]>([
  ['that others may write', (folder) => changeCopy(folder, () => {}, 0o622)],
  ['of another URL', (folder) => changeCopy(folder, (copy) => (copy['url'] = 'http://other/'))],
  ['of the future', (folder) => changeCopy(folder, (copy) => (copy['checked'] = Date.now() + 2 * hourMs))],
  ['without a body', (folder) => changeCopy(folder, (copy) => delete copy['body'])],
  ['that is no JSON', (folder) => writeFileSync(join(folder, readdirSync(folder)[0] ?? ''), '{')],
])('a copy %s is not used', async (_what, spoil) => {
  const folder = makeTempFolder();
  const web = await startWeb(writeAnswer(pac('DIRECT')));
  await makeFile(web.url, folder).use();
  spoil(folder);
  await makeFile(web.url, folder).use();
  expect(web.heads).toHaveLength(2);
});

test.each<[string, (web: Web) => void, RegExp]>([
  ['its server fails', (web) => (web.answers = [writeAnswer('no', [], '500 Oops')]), /the server answered 500/],
  [
    'it moved',
    (web) => (web.answers = [writeAnswer('', ['Location: http://b/'], '302 Found')]),
    /302, and names "http:\/\/b\/"/,
  ],
  ['it is a page now', (web) => (web.answers = [writeAnswer('<html>log in</html>')]), /no function/],
  ['nothing answers', (web) => (web.answers = ['']), /closed the connection without an answer/],
  [
    'it breaks off',
    (web) => (web.answers = ['HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nfunction']),
    /in the middle of it/,
  ],
  ['it grows too large', (web) => (web.answers = [writeAnswer('x'.repeat(1_100_000))]), /sends too much/],
  ['its server speaks something else', (web) => (web.answers = ['SSH-2.0-x\r\n']), /does not answer in HTTP\/1\.1/],
])('the last copy is used with a warning where %s', async (_why, spoil, reason) => {
  const folder = makeTempFolder();
  const web = await startWeb(writeAnswer(pac('DIRECT')));
  const first = makeFile(web.url, folder);
  await first.use();
  spoil(web);
  first.clock.now += hourMs;
  expect(await first.use()).toBe(pac('DIRECT'));
  expect(warnings(first.notices)).toEqual([expect.stringMatching(reason)]);
  // For some minutes nothing is asked again.
  const asked = web.heads.length;
  await first.use();
  expect(web.heads).toHaveLength(asked);
  const next = makeFile(web.url, folder, { now: Date.now() + 2 * hourMs });
  expect(await next.use()).toBe(pac('DIRECT'));
  expect(warnings(next.notices)).toHaveLength(1);
});

test('without a copy the failure says that nothing was decided, and is not repeated at once', async () => {
  const web = await startWeb(writeAnswer('no', [], '404 Not Found'));
  const { use, clock } = makeFile(web.url, makeTempFolder());
  const failure = {
    side: 'hop',
    facts: { undecided: true },
    message: expect.stringMatching(/cannot be had: the server answered 404$/),
  };
  await expect(use()).rejects.toMatchObject(failure);
  await expect(use()).rejects.toMatchObject(failure);
  expect(web.heads).toHaveLength(1);
  web.answers = [writeAnswer(pac('DIRECT'))];
  clock.now += 8000;
  expect(await use()).toBe(pac('DIRECT'));
});

test('a failure leaves nothing in the cache', async () => {
  const folder = join(makeTempFolder(), 'tunl');
  const web = await startWeb(writeAnswer('<html>log in</html>'));
  await expect(makeFile(web.url, folder).use()).rejects.toThrow('no function');
  expect(existsSync(folder)).toBe(false);
});

test('calls at the same time share one request', async () => {
  const web = await startWeb(writeAnswer(pac('DIRECT')));
  const { use } = makeFile(web.url, makeTempFolder());
  await Promise.all([use(), use(), use()]);
  expect(web.heads).toHaveLength(1);
});

test('a local file is read again after ten seconds, and not copied', async () => {
  const folder = makeTempFolder();
  const path = join(makeTempFolder(), 'proxy.pac');
  writeFileSync(path, pac('DIRECT'));
  const { use, clock } = makeFile(pathToFileURL(path), folder);
  expect(await use()).toBe(pac('DIRECT'));
  writeFileSync(path, pac('PROXY a:1'));
  expect(await use()).toBe(pac('DIRECT'));
  clock.now += 10_000;
  expect(await use()).toBe(pac('PROXY a:1'));
  expect(readdirSync(folder)).toEqual([]);
});

test('a request that is given up ends at once', async () => {
  const web = await startWeb();
  const going = new AbortController();
  const asked = fetchPac(web.url, {}, env, going.signal);
  const accepted = await web.target.accept();
  going.abort(new Error('gone'));
  await expect(asked).rejects.toMatchObject({ code: 'interrupted' });
  accepted.fin();
});

test('a chunked answer is read to its end', async () => {
  const body = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n3\r\nabc\r\n0\r\n\r\n';
  const web = await startWeb(body);
  expect(await fetchPac(web.url, {}, env, calm)).toEqual({ bytes: Buffer.from('abc'), contentType: 'text/plain' });
});

const ue = 'f\u00fcr';

test.each([
  ['ISO-8859-1', Buffer.from(ue, 'latin1'), undefined],
  ['ISO-8859-1 of another type', Buffer.from(ue, 'latin1'), 'text/plain'],
  ['UTF-8 by its charset', Buffer.from(ue), 'application/x-ns-proxy-autoconfig; charset=utf-8'],
  ['UTF-8 by a quoted charset', Buffer.from(ue), 'text/plain; Charset="UTF-8"'],
  ['UTF-8 by its mark', Buffer.from(`\ufeff${ue}`), undefined],
  ['UTF-16 by its mark', Buffer.from(`\ufeff${ue}`, 'utf16le'), undefined],
  ['UTF-16 in the other order', Buffer.from(`\ufeff${ue}`, 'utf16le').swap16(), 'text/plain; charset=latin1'],
  ['an unknown charset', Buffer.from(ue, 'latin1'), 'text/plain; charset=nothing'],
])('reads %s', (_what, bytes, type) => {
  expect(decodePac(bytes, type)).toBe(ue);
});

test.each([
  [{ XDG_CACHE_HOME: '/c', HOME: '/h' }, '/c/tunl'],
  [{ XDG_CACHE_HOME: 'relative', HOME: '/h' }, '/h/.cache/tunl'],
  [{ HOME: '/h' }, '/h/.cache/tunl'],
])('in %j the cache is %s', (given, folder) => {
  expect(findCacheFolder(given)).toBe(folder);
});
