import { linkPair } from '../../src/core/link.ts';
import { flowContract } from '../conformance/flow-contract.ts';

flowContract('a pair in memory', async () => {
  const [first, second] = linkPair();
  return { first, second };
});
