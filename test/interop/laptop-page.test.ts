import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { findBlock } from '../support/readme.ts';
import { checkEnvoy, envoyWrapper, hasEnvoy } from './parts/envoy.ts';
import { startGreeting } from './parts/socat.ts';
import { openPageWorld, type PageWorld } from './support/page-world.ts';
import { hasWorld } from './support/world.ts';

const page = 'docs/from-laptop-to-mesh.md';

describe.skipIf(!hasWorld || !hasEnvoy)('the way from a laptop to a mesh', () => {
  let world: PageWorld;

  beforeAll(async () => {
    world = await openPageWorld(['edge.internal', 'db.internal']);
    writeFileSync(join(world.home, 'bin/envoy'), envoyWrapper, { mode: 0o755 });
    const database = await world.host('db.internal:5432', () => startGreeting('database'));
    const edge = await world.start(`exec tunl serve edge.internal:8080 --open --allow db.internal:5432`, /serving/);
    return async () => {
      await Promise.all([edge.stop(), database.stop()]);
      await world.stop();
    };
  });

  /** Runs a block whose last command stays, and sees what a port of this machine then says. */
  async function visit(block: string, port: number, ready: RegExp): Promise<string> {
    const { running } = await world.begin(`set -e\n${block}`, ready);
    const said = await world.talk(port);
    await running.stop();
    return said;
  }

  function writePages(folder: string, ...files: readonly (readonly [name: string, text: string])[]): string {
    const path = join(world.home, folder);
    mkdirSync(path, { recursive: true });
    for (const [name, text] of files) writeFileSync(join(path, name), text);
    return path;
  }

  test('begins with a line', async () => {
    expect(await visit(findBlock('laptop', page), 10_000, /^tunl: forwarding/m)).toBe('database\n');
  });

  test('goes on with a file, which is the one that is shown', async () => {
    expect(await visit(findBlock('file', page), 10_000, /^tunl: forwarding/m)).toBe('database\n');
    expect(readFileSync(join(world.home, 'chain.yaml'), 'utf8')).toBe(findBlock('chain', page));
  });

  test('goes on with Envoy, and comes back', async () => {
    writePages('.', ['chain.yaml', findBlock('chain', page)]);
    expect(await visit(findBlock('envoy', page), 10_000, /starting main dispatch loop/)).toBe('database\n');
    expect(await visit(findBlock('back', page), 10_000, /^tunl: forwarding/m)).toBe('database\n');
  });

  test('ends early for what Envoy cannot do', async () => {
    const [command = '', ...said] = findBlock('refused', page).split('\n');
    const { code, stdout, stderr } = await world.run(command.replace('$ ', ''), { env: { TUNL_SERVE_PASSWORD: 'x' } });
    expect([code, stdout, stderr]).toEqual([2, '', said.join('\n')]);
  });

  test('leads into a cluster, with manifests that fit together and a file that Envoy takes', async () => {
    const folder = writePages(
      'cluster',
      ['chain.yaml', findBlock('cluster-chain', page)],
      ['kustomization.yaml', findBlock('kustomization', page)],
      ['egress.yaml', findBlock('egress', page)],
    );
    const { code, stderr } = await world.run(`cd cluster; set -e\n${findBlock('cluster', page)}`);
    expect([code, stderr]).toEqual([0, '']);
    const manifests = parseAllDocuments(readFileSync(join(folder, 'all.yaml'), 'utf8')).map(
      (one) => one.toJS() as Manifest,
    );
    const [config, service, deployment] = ['ConfigMap', 'Service', 'Deployment'].map((kind) =>
      manifests.find((manifest) => manifest.kind === kind),
    );
    expect(manifests.map(({ metadata }) => metadata.namespace)).toEqual(['shop', 'shop', 'shop']);
    const { template, selector } = deployment?.spec ?? {};
    const [container] = template?.spec.containers ?? [];
    expect(template?.spec.volumes).toEqual([{ name: 'config', configMap: { name: config?.metadata.name } }]);
    expect(container?.volumeMounts.map(({ name }) => name)).toEqual(['config']);
    expect(selector).toEqual({ matchLabels: service?.spec?.selector });
    expect(template?.metadata.labels).toEqual(service?.spec?.selector);
    expect(container?.ports.map(({ name }) => name)).toEqual(service?.spec?.ports.map(({ targetPort }) => targetPort));
    // kubectl knows the fields of these kinds, and leaves out what they have not.
    for (const [manifest, change] of [
      [deployment, 'set image --local envoy=other'],
      [service, 'set selector --local app=egress'],
    ] as const) {
      writePages('cluster', ['one.json', JSON.stringify(manifest)]);
      const { stdout } = await world.run(`cd cluster; kubectl ${change} -f one.json -o json`);
      const known = JSON.parse(stdout.replace('"other"', JSON.stringify(container?.image))) as object;
      expect(known).toMatchObject(manifest ?? {});
    }
    // The Secret has what the file asks of the environment.
    const secret = parse(readFileSync(join(folder, 'secret.yaml'), 'utf8')) as Manifest;
    const { secretKeyRef } = container?.env[0]?.valueFrom ?? {};
    expect(secretKeyRef?.name).toBe(secret.metadata.name);
    expect(
      Buffer.from(Buffer.from(secret.data?.[secretKeyRef?.key ?? ''] ?? '', 'base64').toString(), 'base64').toString(),
    ).toBe('cluster:anything');
    const text = config?.data?.['envoy.yaml'] ?? '';
    expect(text).toContain(`%ENVIRONMENT(${container?.env[0]?.name})%`);
    expect(text).toContain(`port_value: ${container?.ports[0]?.containerPort} `);
    writePages('cluster', ['mounted.yaml', text]);
    expect(await checkEnvoy(join(folder, 'mounted.yaml'))).toMatchObject({ code: 0 });
  });
});

/** As much of a manifest as is looked at. */
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly selector: object;
    readonly ports: readonly { readonly targetPort: string }[];
    readonly template: {
      readonly metadata: { readonly labels: object };
      readonly spec: {
        readonly volumes: readonly object[];
        readonly containers: readonly {
          readonly image: string;
          readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
          readonly env: readonly {
            readonly name: string;
            readonly valueFrom: { readonly secretKeyRef: { readonly name: string; readonly key: string } };
          }[];
          readonly volumeMounts: readonly { readonly name: string }[];
        }[];
      };
    };
  };
}
