import { constants } from 'node:crypto';
import { DEFAULT_CIPHERS } from 'node:tls';

/** As strong as the others for all that TLS is used for, and the cheapest where the processor has AES. */
const cheapest = 'TLS_AES_128_GCM_SHA256';

/**
 * The ciphers of a server, in its order of preference: only those with authenticated encryption and forward secrecy.
 * `testssl` has no complaint about them.
 */
export const serverCiphers = [
  cheapest,
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** The ciphers that a client offers: those of Node with the cheapest first, or the user's own `--tls-cipher-list` as it is. */
export const clientCiphers = preferCheapest(DEFAULT_CIPHERS);

function preferCheapest(list: string): string {
  const { defaultCoreCipherList: ofNode } = constants;
  const names = list.split(':');
  if (list !== ofNode || !names.includes(cheapest)) return list;
  return [cheapest, ...names.filter((name) => name !== cheapest)].join(':');
}
