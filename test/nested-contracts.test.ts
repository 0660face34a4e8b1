import { h1, https, socks5 } from '../src/carriers/all.ts';
import { carrierContract } from './conformance/carrier-contract.ts';
import { makeStartBed } from './support/harness/carrier-bed.ts';

// The contract of carriers in other surroundings: a hop whose TLS knows HTTP/1.1 only, and hops within hops.
carrierContract('https:// without HTTP/2', makeStartBed({ scheme: 'https', alpn: ['http/1.1'] }), https);
carrierContract('http:// in http://', makeStartBed('http', 'http'), h1);
carrierContract('http:// in https:// in http://', makeStartBed('http', 'https', 'http'), h1);
carrierContract('https:// in https://', makeStartBed('https', 'https'), https);
carrierContract('socks5h:// in http://', makeStartBed('http', 'socks5h'), socks5);
carrierContract('http:// in socks5h://', makeStartBed('socks5h', 'http'), h1);
