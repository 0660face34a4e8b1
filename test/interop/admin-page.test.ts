import type { Browser } from 'puppeteer-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { connectPeer } from '../support/peers/raw-peer.ts';
import { readTexts as read, showAdmin, startBrowser } from './support/browser.ts';
import { startTunl, type TunlPart } from './support/tunl.ts';
import { startEcho } from './support/tunnels.ts';

let browser: Browser;

beforeAll(async () => {
  browser = await startBrowser();
});

afterAll(() => browser.close());

const show = (admin: string) => showAdmin(browser, admin);

/** Starts a chain of two stages with an admin address, until the test is over. */
async function startChain(target: string): Promise<{ readonly chain: TunlPart; readonly admin: string }> {
  const chain = await startTunl(['chain', '0', 'internal://encap', target, '--admin', '0']);
  onTestFinished(() => chain.stop());
  const [, admin = ''] = await chain.waitForLine(/^tunl: admin (\S+)$/m);
  return { chain, admin };
}

test('the page shows the stages and a tunnel whose bytes move, and ends it', async () => {
  const target = await startEcho();
  const { chain, admin } = await startChain(`127.0.0.1:${target.port}`);
  const { page, complaints, asked } = await show(admin);
  await eventually(() => read(page, '#state'), ['LIVE']);
  await eventually(async () => (await read(page, '#graph svg text')).includes('encap'), true);
  expect(await read(page, '#tunnels tr')).toEqual([]);

  const peer = await connectPeer(chain.port);
  peer.send(Buffer.alloc(2048));
  await peer.read(2048);
  await eventually(() => read(page, '#tunnels .target'), [`127.0.0.1:${target.port}`]);
  await eventually(() => read(page, '#tunnels .sent'), ['2.0K']);
  peer.send(Buffer.alloc(8192));
  await peer.read(8192);
  await eventually(() => read(page, '#tunnels .received'), ['10K']);

  // It is asked for once more, and the answer that is chosen first is no.
  await page.click('#tunnels button');
  await page.keyboard.press('Enter');
  peer.send('still here');
  await peer.read(10);
  await page.click('#tunnels button');
  expect(await read(page, 'dialog[open] #question')).toEqual([
    expect.stringMatching(/^End tunnel \d+ to 127\.0\.0\.1:\d+\? /),
  ]);
  await page.click('#end');
  expect(await peer.waitForEnd()).not.toBe('fin');
  await eventually(() => read(page, '#tunnels tr'), []);
  await eventually(() => read(page, '#said'), [expect.stringMatching(/^Tunnel \d+ was ended\.$/)]);
  expect(complaints).toEqual([]);
  // It follows the events and asks for nothing again and again.
  const paths = asked.map((url) => url.replace(`http://${admin}`, ''));
  expect(paths).toEqual(['/', expect.stringMatching(/^\/events\?/), expect.stringMatching(/^\/tunnels\/\d+$/)]);
});

test('the name of a user is text on the page, whatever it is', async () => {
  const name = '<img src=x onerror="console.log(1)">';
  const target = await startEcho();
  const words = ['serve', '127.0.0.1:0', '--admin', '0', '--user', name];
  const serve = await startTunl(words, { TUNL_SERVE_PASSWORD: 'open' });
  onTestFinished(() => serve.stop());
  const [, admin = ''] = await serve.waitForLine(/^tunl: admin (\S+)$/m);
  const { page, complaints } = await show(admin);
  const peer = await connectPeer(serve.port);
  const credentials = Buffer.from(`${name}:open`).toString('base64');
  peer.send(
    `CONNECT 127.0.0.1:${target.port} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic ${credentials}\r\n\r\n`,
  );
  await eventually(() => read(page, '#tunnels .peer'), [expect.stringContaining(name)]);
  expect(await page.$$eval('#tunnels img', (found) => found.length)).toBe(0);
  peer.reset();
  await eventually(() => read(page, '#tunnels tr'), []);
  expect(complaints).toEqual([]);
});

test('a page of another site neither reads the admin address nor gives it orders', async () => {
  const target = await startEcho();
  const { chain, admin } = await startChain(`127.0.0.1:${target.port}`);
  const peer = await connectPeer(chain.port);
  peer.send('x');
  await peer.read(1);
  const { page } = await show((await startChain('127.0.0.1:1')).admin);
  const outcomes = await page.evaluate(async (place) => {
    const ask = (path: string, method: string, mode: 'cors' | 'no-cors') =>
      fetch(`http://${place}${path}`, { method, mode }).then(
        ({ type, status }) => `${type} ${status}`,
        () => 'refused',
      );
    return [
      await ask('/tunnels', 'GET', 'cors'),
      await ask('/tunnels/1', 'DELETE', 'cors'),
      await ask('/quitquitquit', 'POST', 'no-cors'),
    ];
  }, admin);
  expect(outcomes.slice(0, 2)).toEqual(['refused', 'refused']);
  peer.send('y');
  expect((await peer.read(1)).toString()).toBe('y');
  peer.fin();
  expect(await peer.waitForEnd()).toBe('fin');
});
