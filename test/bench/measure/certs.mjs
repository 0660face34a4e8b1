import selfsigned from 'selfsigned';

const common = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' };

/**
 * Makes an authority and a certificate of it, for this machine and for both sides of a mesh, and returns their files: `ca`,
 * `cert` and `key`.
 */
export async function makeCerts(bench) {
  const authority = await selfsigned.generate([{ name: 'commonName', value: 'tunl bench authority' }], {
    ...common,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  });
  const { cert, private: key } = await selfsigned.generate([{ name: 'commonName', value: 'localhost' }], {
    ...common,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 6, value: 'spiffe://bench.test/ns/bench/sa/tunl' },
        ],
      },
    ],
  });
  return {
    ca: bench.write('ca.pem', authority.cert),
    cert: bench.write('cert.pem', cert),
    key: bench.write('key.pem', key),
    caText: authority.cert,
    certText: cert,
    keyText: key,
  };
}
