import { vi } from 'vitest';
import { carrierContract } from '../conformance/carrier-contract.ts';
import { makeStartBed } from '../support/harness/carrier-bed.ts';
import { switching } from '../support/peers/switching.ts';

// The one line in the registry that a carrier needs beside its file.
vi.mock(import('../../src/carriers/all.ts'), async (importOriginal) => {
  const { switching: carrier } = await import('../support/peers/switching.ts');
  return { ...(await importOriginal()), switching: carrier };
});

carrierContract('a carrier by Upgrade', makeStartBed('switching'), switching);
