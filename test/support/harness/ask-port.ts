import { once } from 'node:events';
import { connect } from 'node:net';

/** Sends a word to a port and returns the answer. */
export async function askPort(port: string | undefined, word: string): Promise<string> {
  const client = connect(Number(port), '127.0.0.1').setEncoding('utf8');
  client.write(word);
  const [answer] = (await once(client, 'data')) as [string];
  client.destroy();
  return answer;
}
