import type { RefusedEdit } from '../../../support/graphs/envoy-file.ts';

/** Changes of fields that are refused. */
export const refusedChanges: readonly RefusedEdit[] = [
  {
    file: 'pass-connect',
    from: 'domains:',
    to: "request_headers_to_add: [{ header: { key: x-a, value: '%DURATION%' } }]\n                      domains:",
    hints: [
      'there are REQ PROTOCOL START_TIME HOSTNAME ENVIRONMENT UPSTREAM_CLUSTER, and addresses, ports and TLS of DOWNSTREAM_',
    ],
    says: '21:77: %DURATION% has no value in a request that goes on',
    envoyTakesIt: true,
  },
  {
    file: 'pass-connect',
    from: 'domains:',
    to: "response_headers_to_add: [{ header: { key: x-a, value: '%REQ(authorization)%' } }]\n                      domains:",
    hints: ['write the value'],
    says: '21:78: value: %REQ(authorization)% would copy credentials, and operators do not',
    envoyTakesIt: true,
  },
  {
    file: 'pass-connect',
    from: 'domains:',
    to: "request_headers_to_add: [{ header: { key: ':path', value: a } }]\n                      domains:",
    hints: ['leave it out; a route can write another host or path'],
    says: '21:65: key: ":path" cannot be changed: tunl writes it for each connection anew',
  },
  {
    file: 'pass-connect',
    from: 'domains:',
    to: 'request_headers_to_remove: [host]\n                      domains:',
    hints: ['leave it out; a route can write another host or path'],
    says: '21:51: request_headers_to_remove: "host" cannot be changed: tunl writes it for each connection anew',
  },
  {
    file: 'pass-connect',
    from: 'domains:',
    to: 'response_headers_to_remove: [connection]\n                      domains:',
    hints: ['leave it out; a route can write another host or path'],
    says: '21:52: response_headers_to_remove: "connection" cannot be changed: tunl writes it for each connection anew',
    envoyTakesIt: true,
  },
  {
    file: 'pass-connect',
    from: 'domains:',
    to: 'request_headers_to_add: [{ header: { key: x-a }, append: false, append_action: ADD_IF_ABSENT }]\n                      domains:',
    hints: ['leave append out'],
    says: '21:80: append does not go with append_action',
  },
  {
    file: 'pass-connect',
    from: 'domains:',
    to: "request_headers_to_add: [{ header: { key: x-a, value: '1' }, append_action: ADD_IF_ABSENT }, { header: { key: X-A, value: '2' } }]\n                      domains:",
    hints: ['put this one before the other'],
    says: '21:116: request_headers_to_add: "x-a" is written in two ways, and tunl takes them in the other order',
    envoyTakesIt: true,
  },
];
