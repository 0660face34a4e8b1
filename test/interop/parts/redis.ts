import { type Part, startPart } from '../support/part.ts';

/** Starts a Redis server that keeps its data in memory. */
export function startRedis(): Promise<Part> {
  return startPart('redis', (port, folder) => ({
    file: 'redis-server',
    args: ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--dir', folder],
  }));
}
