import type { Carrier } from '../core/carrier.ts';
import type { SocksSession } from './session.ts';

/** Loaded at the first session, and once: each has but one tunnel, and each `import()` costs time. */
let code: Promise<{ readonly SocksSession: typeof SocksSession }> | undefined;

/** Makes the client half of a carrier that speaks a version of SOCKS. */
export function openSocks(version: 4 | 5): Carrier['open'] {
  return async (reach, hop) => {
    const link = await reach({ form: 'tunnel' });
    const { SocksSession: Session } = await (code ??= import('./session.ts'));
    return new Session(link, hop, version);
  };
}
