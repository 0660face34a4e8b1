// A server that speaks as much of the API of Kubernetes as `kubectl get pods` asks for.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

const [port, cert, key] = process.argv.slice(2);
const pods = {
  name: 'pods',
  singularName: '',
  namespaced: true,
  kind: 'Pod',
  verbs: ['get', 'list'],
  shortNames: ['po'],
};
const answers = {
  '/api': { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] },
  '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [] },
  '/api/v1': { kind: 'APIResourceList', groupVersion: 'v1', resources: [pods] },
  '/api/v1/namespaces/default/pods': {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: {},
    columnDefinitions: ['Name', 'Status'].map((name) => ({
      name,
      type: 'string',
      format: '',
      description: '',
      priority: 0,
    })),
    rows: [
      {
        cells: ['web-0', 'Running'],
        object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'web-0' } },
      },
    ],
  },
};

createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
  const answer = answers[new URL(request.url, 'https://kube.internal').pathname];
  response.writeHead(answer ? 200 : 404, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(answer ?? { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 404 }));
}).listen(Number(port), '127.0.0.1');
