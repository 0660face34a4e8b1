import { type AdminEndpoint, text } from './endpoint.ts';
import { lifecycle } from './lifecycle.ts';
import { live } from './live.ts';
import { page } from './page.ts';
import { resources } from './resources.ts';
import { statistics } from './statistics.ts';

const help: AdminEndpoint = {
  path: '/help',
  method: 'GET',
  summary: 'print this list',
  answer: () => text(listPaths()),
};

/** All paths of the admin address. */
export const endpoints: readonly AdminEndpoint[] = [page, help, ...lifecycle, ...resources, ...statistics, ...live];

/** Lists the paths with their summaries, in Envoy's layout. */
export function listPaths(): string {
  const lines = endpoints
    .toSorted((one, other) => (one.path < other.path ? -1 : 1))
    .flatMap(({ path, method, summary, params = {} }) => [
      `  ${path}${method === 'GET' ? '' : ` (${method})`}: ${summary}`,
      ...Object.entries(params).map(([name, what]) => `      ${name}: ${what}`),
    ]);
  return ['admin commands are:', ...lines, ''].join('\n');
}
