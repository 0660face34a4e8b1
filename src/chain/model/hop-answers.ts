import { writesHopAnswer } from '../../syntax/format/format.ts';
import type { AccessLog } from './graph.ts';

/** True if one of the logs writes the answers of hops to requests for tunnels. */
export function wantHopAnswers(logs: readonly AccessLog[] = []): boolean {
  const texts = logs.flatMap(({ format = '' }) => (typeof format === 'string' ? format : Object.values(format)));
  return texts.some(writesHopAnswer);
}
