import { writesHopAnswer, writesHopTrailers } from '../../syntax/format/format.ts';
import type { AccessLog } from './graph.ts';

/** True if one of the logs writes the answers of hops to requests for tunnels. */
export function wantHopAnswers(logs: readonly AccessLog[] = []): boolean {
  return textsOf(logs).some(writesHopAnswer);
}

/** True if one of the logs writes the trailers of hops at the ends of tunnels. */
export function wantHopTrailers(logs: readonly AccessLog[] = []): boolean {
  return textsOf(logs).some(writesHopTrailers);
}

function textsOf(logs: readonly AccessLog[]): string[] {
  return logs.flatMap(({ format = '' }) => (typeof format === 'string' ? format : Object.values(format)));
}
