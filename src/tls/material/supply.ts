import type { OwnCertificate } from '../certificate/source.ts';

/** A certificate, its key and the authorities to trust that come from somewhere else than files. */
export interface SuppliedTls {
  readonly own: OwnCertificate;
  /** In PEM. */
  readonly authorities: readonly string[];
  /** Where they come from, for messages. */
  readonly from: string;
}

/** Returns what is in use at the time: it may be renewed. */
export type Supply = () => SuppliedTls;
