import { describe } from 'vitest';
import type { Carrier } from '../../src/core/carrier.ts';
import type { StartBed } from './carrier-bed.ts';
import { registerByteTests } from './carrier-bytes.ts';
import { registerCredentialTests } from './carrier-credentials.ts';
import { registerEndTests } from './carrier-ends.ts';
import { registerFailureTests } from './carrier-failures.ts';
import { registerLoadTests } from './carrier-load.ts';

/**
 * Registers the tests that every carrier must pass, whatever is below it and however deep it is nested.
 * The declarations of the carrier decide which tests apply.
 */
export function carrierContract(name: string, start: StartBed, carrier: Carrier): void {
  describe(name, () => {
    registerByteTests(start);
    registerEndTests(start, carrier);
    registerFailureTests(start, carrier);
    if (carrier.credentials === undefined) registerCredentialTests(start, carrier);
    registerLoadTests(start, carrier);
  });
}
