import { createHash } from 'node:crypto';
import type { AdminEndpoint } from './endpoint.ts';
import live from './page/live.html';
import body from './page/page.html';
import style from './page/style.html';
import tables from './page/tables.html';

const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<meta name="color-scheme" content="light dark" />
<title>tunl</title>
<link rel="icon" href="data:," />
${style}</head>
${body.replace(/<\/body>\s*$/, '')}${tables}${live}</body>
</html>
`;

/** The page that shows the running stages and tunnels. Its policy lets it send requests to this address only. */
export const page: AdminEndpoint = {
  path: '/',
  method: 'GET',
  summary: 'show the stages and the tunnels in a browser',
  answer: async ({ drawGraph }) => ({
    status: 200,
    type: 'html',
    body: html,
    headers: { 'Content-Security-Policy': formatPolicy(await drawGraph()) },
  }),
};

/** Allows only the styles and scripts of the page and of its drawing, by their hashes. */
function formatPolicy(drawing: string): string {
  return [
    "default-src 'none'",
    "connect-src 'self'",
    "img-src 'self' data:",
    `script-src ${hashElements(html, 'script')}`,
    `style-src ${hashElements(html + drawing, 'style')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function hashElements(markup: string, name: 'script' | 'style'): string {
  const elements = [...markup.matchAll(new RegExp(`<${name}>([^]*?)</${name}>`, 'g'))];
  const hashes = elements.map(([, content = '']) => createHash('sha256').update(content).digest('base64'));
  return hashes.map((hash) => `'sha256-${hash}'`).join(' ');
}
