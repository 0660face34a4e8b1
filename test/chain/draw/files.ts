/** One stage, with a proxy over TLS. */
export const one = `stages:
  ssh: { listen: 2222, via: https://proxy.corp:443, to: host:22 }
`;

/** Six stages of all jobs, of which one is the proxy of two others. */
export const six = `stages:
  ingress: { listen: 9999, to: internal://encap }
  encap: { via: h2c://127.0.0.1:10001, to: host.com:443 }
  edge:
    listen: 0.0.0.0:10001
    tls: { cert: edge.pem, key: edge.key, client-ca: ca.pem }
    proxy: { accept: [post], allow: ['*.example.com:443', 10.0.0.0/8] }
  web:
    listen: 8080
    http:
      routes:
        - { method: GET, path: /health, answer: 200 ok }
        - { prefix: /api, to: api }
        - { prefix: /old, to: internal://encap }
        - { to: internal://pages }
        - { tunnel-to: field::authority }
      upstreams: { api: { to: 10.0.0.7:8000, via: [ 'h2c://127.0.0.1:10001', 'https://inner.corp:443' ] } }
  pages: { to: [ 10.0.0.1:80, 10.0.0.2:80, internal://backup ], balance: first }
  backup: { via: [ internal://encap, 'https://far.corp:8443' ], to: backup.test:80 }
`;

const count = <T>(length: number, make: (index: number) => T): T[] =>
  Array.from({ length }, (_item, index) => make(index));

/** Forty stages: a choice of services that lead to databases in a net, and forwards that share their targets. */
export const forty = [
  'stages:',
  '  front:',
  '    listen: 8000',
  '    http:',
  '      routes:',
  ...count(12, (index) => `        - { prefix: /s${index}, to: internal://svc${index} }`),
  ...count(12, (index) => {
    const to = index % 3 === 0 ? `10.0.0.${index}:80` : `internal://mid${index % 6}, internal://mid${(index + 2) % 6}`;
    return `  svc${index}: { to: [${to}] }`;
  }),
  ...count(6, (index) => {
    const via = index % 2 === 0 ? 'h2c://127.0.0.1:3100' : `https://p${index}.corp:443`;
    return `  mid${index}: { via: ${via}, to: db${index}:5432 }`;
  }),
  '  gate: { listen: 3100, proxy: {} }',
  ...count(
    20,
    (index) =>
      `  fwd${index}: { listen: ${9000 + index}, to: host${index % 7}:22, via: http://proxy${index % 3}:3128 }`,
  ),
  '',
].join('\n');
