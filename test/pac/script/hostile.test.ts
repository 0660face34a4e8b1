import { expect, test } from 'vitest';
import { PacScript, type ScriptLimits, type ScriptNames } from '../../../src/pac/script/script.ts';

const target = { kind: 'tcp', host: 'db.corp', port: 22 } as const;
const calm = new AbortController().signal;

const nameless: ScriptNames = {
  resolve: () => Promise.reject(new Error('no such name')),
  ownAddresses: async () => [],
};

/** Limits of time that no harmless file reaches, however busy the machine is. */
const patient = { passMs: 5000, allPassesMs: 20_000 };

/** Makes a script with a body for its function. */
function makeScript(body: string, limits?: Partial<ScriptLimits>, names = nameless): PacScript {
  return new PacScript(`function FindProxyForURL(url, host) { ${body} }`, names, { ...patient, ...limits });
}

const ask = (body: string, limits?: Partial<ScriptLimits>) => makeScript(body, limits).decide(target, calm);

// The limit is short for files that are stopped by it, and would never end without one.
test.each([
  ['an endless loop', 'while (true);', /stopped: it ran for more than 50 ms$/],
  [
    'a loop that catches everything',
    'for (;;) try { for (;;); } catch {} finally { continue; }',
    /stopped: it ran for more than 50 ms$/,
  ],
  ['a pattern that backtracks', 'return /^(a+)+$/.test("a".repeat(64) + "b");', /stopped: it ran for more than 50 ms$/],
  [
    'a text of a gigabyte',
    'return "x".repeat(2 ** 29) + "y".repeat(2 ** 29);',
    /stopped: it used too much memory$|failed: .*(?:invalid|too long|RangeError)/,
  ],
  [
    'texts that grow for ever',
    'let s = "x"; const all = []; for (;;) { s += s; all.push(s + 1); }',
    /stopped: it |failed: /,
  ],
  [
    'an array that grows for ever',
    'const all = []; for (;;) all.push({});',
    /stopped: it (?:used too much memory|ran for more than 50 ms)$/,
  ],
  [
    'a buffer of a gigabyte',
    'return String(new Uint8Array(2 ** 30).length);',
    /out of memory|too much memory|RangeError/i,
  ],
  ['recursion without an end', 'return FindProxyForURL(url, host);', /failed: (?:RangeError|InternalError): .*stack/i],
  [
    'recursion by toString',
    'const a = []; a.toString = () => String(a); return String(a);',
    /failed: (?:RangeError|InternalError)/,
  ],
  ['an error', 'return nothing.at.all;', /failed: ReferenceError: nothing is not defined$/],
  ['an error that is none', 'throw { get message() { for (;;); } };', /stopped: it ran for more than 50 ms$|failed: /],
  ['a result that is no text', 'return { toString: () => "DIRECT" };', /its result is no text$/],
  ['a promise', 'return Promise.resolve("DIRECT");', /its result is no text$/],
  [
    'a long text for a function',
    'return shExpMatch("a".repeat(1e6), "*a".repeat(1e5));',
    /failed: \w*Error: a text of more than 8192 characters$/,
  ],
  ['an object for a function', 'return dnsResolve({ toString() { for (;;); } });', /neither a text nor a number$/],
  ['a module', 'return import("node:fs");', /its result is no text$|SyntaxError/],
])('%s ends in an error', async (_what, body, message) => {
  const limits = message.source.includes('stopped') ? { passMs: 50 } : {};
  const failure = await ask(body, limits).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'proxy_configuration_error', message: expect.stringMatching(message) });
});

test.each([
  ['process', 'typeof process'],
  ['require', 'typeof require'],
  ['fetch', 'typeof fetch'],
  ['XMLHttpRequest', 'typeof XMLHttpRequest'],
  ['WebSocket', 'typeof WebSocket'],
  ['WebAssembly', 'typeof WebAssembly'],
  ['setTimeout', 'typeof setTimeout'],
  ['Deno and Bun', 'typeof Deno + typeof Bun'],
  ['std and os of QuickJS', 'typeof std + typeof os'],
  ['the global object of the program', 'typeof this.process + typeof globalThis.Buffer'],
  ['the constructor of a function of ours', 'dnsDomainIs.constructor("return typeof process")()'],
  [
    'the constructor of an error of ours',
    '(() => { try { dnsResolve({}); } catch (e) { return e.constructor.constructor("return typeof process")(); } })()',
  ],
])('a file has no access to %s', async (_what, expression) => {
  expect((await ask(`return String(${expression});`)).result).toMatch(/^(?:undefined)+$/);
});

test('games with prototypes change neither the functions nor the program', async () => {
  const body = `
    Object.prototype.polluted = 'yes';
    Array.prototype.map = Array.prototype.find = String.prototype.endsWith = RegExp.prototype.test = () => 'no';
    JSON.stringify = String = () => 'PROXY evil:1';
    Object.prototype.toString = Function.prototype.call = () => { throw 1; };
    return dnsDomainIs(host, '.corp') && shExpMatch(host, 'db.*') && !isPlainHostName(host) ? 'PROXY right:1' : 'DIRECT';`;
  const { result, calls } = await ask(body);
  expect(result).toBe('PROXY right:1');
  expect(calls.map(({ name }) => name)).toEqual(['dnsDomainIs', 'shExpMatch', 'isPlainHostName']);
  expect(({} as { polluted?: string }).polluted).toBeUndefined();
});

test('a file that went beyond a limit rests, and its engine is not used again', async () => {
  let passes = 0;
  const names: ScriptNames = { ...nameless, resolve: async () => [`10.0.0.${++passes}`] };
  const script = makeScript('if (dnsResolve("a.corp")) for (;;);', { passMs: 50 }, names);
  const first = await script.decide(target, calm).catch((error: unknown) => error);
  const second = await script.decide(target, calm).catch((error: unknown) => error);
  expect(second).toBe(first);
  expect(passes).toBe(1);
});

test('a file that fails for one target still decides for others', async () => {
  const script = makeScript('if (host === "bad") throw new Error("no"); return "DIRECT";');
  await expect(script.decide({ ...target, host: 'bad' }, calm)).rejects.toThrow('the PAC file failed: Error: no');
  expect((await script.decide(target, calm)).result).toBe('DIRECT');
});

test.each([
  [
    'more names than the limit',
    'for (let i = 0; i < 9; i++) dnsResolve("n" + i);',
    { names: 4 },
    /asked for more than 4 names$/,
  ],
  [
    'more runs than the limit',
    'for (let i = 0; i < 9; i++) dnsResolve("n" + i);',
    { restarts: 4 },
    /asked for further names 4 times$/,
  ],
  ['other names in each run', 'dnsResolve("n" + Math.random());', {}, /asked for further names 20 times$/],
])('%s end in an error', async (_what, body, limits, message) => {
  await expect(ask(body, limits)).rejects.toThrow(message);
});

test('names that take too long do not resolve, and a file goes on without them', async () => {
  const names: ScriptNames = { ...nameless, resolve: () => new Promise(() => {}) };
  const script = makeScript(
    'return isResolvable("a") || isResolvable("b") ? "no" : "DIRECT";',
    { lookupMs: 50 },
    names,
  );
  expect(await script.decide(target, calm)).toMatchObject({ result: 'DIRECT', passes: 3 });
});

test('a caller that goes away ends the lookup', async () => {
  const going = new AbortController();
  const asked: AbortSignal[] = [];
  const resolve = (_host: string, signal: AbortSignal): Promise<readonly string[]> => {
    asked.push(signal);
    queueMicrotask(() => going.abort(new Error('gone')));
    return new Promise(() => {});
  };
  const decision = makeScript('return dnsResolve("a");', {}, { ...nameless, resolve }).decide(target, going.signal);
  await expect(decision).rejects.toMatchObject({ code: 'interrupted' });
  expect(asked.map(({ aborted }) => aborted)).toEqual([true]);
});

test('a script may look up names before it defines its function', async () => {
  const text =
    'const own = myIpAddress(); const db = dnsResolve("db"); var FindProxyForURL = () => `PROXY ${own}${db}:1`;';
  const script = new PacScript(text, { resolve: async () => ['10.0.0.1'], ownAddresses: async () => ['192.0.2.1'] });
  await script.check(calm);
  expect((await script.decide(target, calm)).result).toBe('PROXY 192.0.2.110.0.0.1:1');
});

test.each([
  ['a page', '<html><body>Please log in</body></html>', /SyntaxError/],
  ['nothing', '', /it has no function FindProxyForURL$/],
  ['another function', 'function findProxyForURL() {}', /it has no function FindProxyForURL$/],
])('%s is no PAC file', async (_what, text, message) => {
  await expect(new PacScript(text, nameless).check(calm)).rejects.toThrow(message);
});

test.each([
  ['const FindProxyForURL = (url) => url;', 22, 'https://db.corp:22/'],
  ['function FindProxyForURL(url) { return url; }', 443, 'https://db.corp/'],
  ['function FindProxyForURLEx(url, host) { return `ex ${host}`; }', 22, 'ex db.corp'],
  ['function FindProxyForURLEx() { return "ex"; } function FindProxyForURL() { return "plain"; }', 22, 'plain'],
])('%s is asked about port %i', async (text, port, result) => {
  expect((await new PacScript(text, nameless).decide({ ...target, port }, calm)).result).toBe(result);
});

test('an IPv6 address has brackets in the URL, and none as a host', async () => {
  const { result } = await makeScript('return url + " " + host;').decide({ kind: 'tcp', host: '::1', port: 22 }, calm);
  expect(result).toBe('https://[::1]:22/ ::1');
});
