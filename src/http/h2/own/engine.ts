export { openSession } from './client.ts';
export { acceptStreams } from './server.ts';
