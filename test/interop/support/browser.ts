import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { onTestFinished } from 'vitest';
import { makeFolder } from './workspace.ts';

/** A page of the admin address, and all that the browser complained of or asked for. */
export interface ShownPage {
  readonly page: Page;
  readonly complaints: string[];
  readonly asked: string[];
}

/** Starts Chromium with a profile of its own. */
export function startBrowser(): Promise<Browser> {
  return puppeteer.launch({
    executablePath: '/usr/bin/chromium',
    // Nothing but loopback is wanted: a browser that asks its maker for news is no help here.
    args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update'],
    userDataDir: makeFolder('chromium'),
  });
}

/** Opens the page of an admin address, until the test is over. */
export async function showAdmin(browser: Browser, admin: string): Promise<ShownPage> {
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  const complaints: string[] = [];
  const asked: string[] = [];
  page.on('console', (message) => void complaints.push(message.text()));
  page.on('pageerror', (error) => void complaints.push(String(error)));
  page.on('requestfailed', (request) => void complaints.push(`${request.url()} failed`));
  page.on('request', (request) => void asked.push(request.url()));
  await page.goto(`http://${admin}/`);
  return { page, complaints, asked };
}

/** Reads the texts of the elements that fit a selector. */
export function readTexts(page: Page, selector: string): Promise<(string | null)[]> {
  return page.$$eval(selector, (elements) => elements.map(({ textContent }) => textContent));
}
