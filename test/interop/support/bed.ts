import { readFileSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { askAdmin } from '../../support/harness/admin.ts';
import { eventually } from '../../support/eventually.ts';
import { type CertificateRequest, makeCerts } from '../../support/certs/certs.ts';
import { connectPeer, connectTlsPeer, type RawPeer } from '../../support/peers/raw-peer.ts';
import { startTarget, type Target } from '../../support/targets/plain.ts';
import { connectHttp2Client, type Http2Client, type Http2Origin, startHttp2Origin } from './http2-ends.ts';
import { findFreePort } from './part.ts';
import { fillFile, type RunningSubject, startSubject, type Subject } from './subject.ts';
import { readLines, Story } from './story.ts';
import { makeFolder } from './workspace.ts';

/** A port at which a file lets a program listen. */
export type Door = 'front' | 'front2';

/** What a client of TLS shows and wants. */
export interface TlsClient {
  readonly alpn?: readonly string[];
  readonly servername?: string;
  readonly names?: Omit<CertificateRequest, 'issuer'>;
  readonly isStranger?: true;
}

/** A program that runs a file of the table, its clients and its origins, and the one observer of them all. */
export interface Bed {
  readonly story: Story;
  readonly origin: Target;
  readonly origin2: Target;
  /** Speaks HTTP/2 by prior knowledge. */
  readonly h2origin: Http2Origin;
  /** Connects; `from` is another address of loopback. */
  connect(door?: Door, options?: { readonly from?: string }): Promise<RawPeer>;
  connectHttp2(door?: Door, form?: 'plain' | 'tls'): Promise<Http2Client>;
  /** Connects over TLS; with `own` shows a certificate of that name from the file's authority, or from another one. */
  connectTls(door?: Door, own?: TlsClient): Promise<RawPeer>;
  /** Tells the statistics of the program's admin address that a regular expression selects. */
  tellStats(filter: string): Promise<void>;
  /** Waits until a log of the program has so many lines, and tells them, each as `rename` writes it. */
  tellLog(name: string, lines: number, rename?: (line: string) => string): Promise<void>;
}

/** Uses a program that runs a file; all that its clients and origins see goes into the story. */
export type Visit = (bed: Bed) => Promise<void>;

/** Starts a program with a file of the table for one test, and the origins that the file leads to. */
export async function openBed(subject: Subject, file: string): Promise<Bed & { running: RunningSubject }> {
  const [origin, origin2, h2origin] = [await startTarget(), await startTarget(), await startHttp2Origin()];
  const ports = { front: await findFreePort(), front2: await findFreePort(), admin: await findFreePort() };
  const places = { ...ports, origin: origin.port, origin2: origin2.port, h2origin: h2origin.port };
  const certs = await makeCerts();
  onTestFinished(() => certs.remove());
  const story = new Story();
  for (const [name, port] of Object.entries(places)) story.name(port, name);
  const folder = makeFolder(`${subject}-${file}`);
  const path = fillFile(file, places, folder);
  const own = { cert: certs.server.certPem, key: certs.server.keyPem, ca: certs.ca.certPem };
  for (const [name, pem] of Object.entries(own)) writeFileSync(join(folder, `${name}.pem`), pem);
  const doors = [ports.front, ports.front2].filter((port) => readFileSync(path, 'utf8').includes(`${port}`));
  const running = await startSubject(subject, path, doors);
  onTestFinished(running.stop);
  return {
    running,
    story,
    origin,
    origin2,
    h2origin,
    async connect(door = 'front', options = {}) {
      const peer = await connectPeer(ports[door], options);
      story.name((peer.stream as Socket).localPort ?? 0, 'client');
      return peer;
    },
    connectHttp2: (door = 'front', form = 'plain') => connectHttp2Client(ports[door], form === 'tls'),
    async connectTls(door = 'front', { alpn = [], servername, names, isStranger } = {}) {
      const issuer = isStranger ? certs.otherCa : certs.ca;
      const own = names && (await certs.issue({ ...names, issuer }));
      return connectTlsPeer(ports[door], alpn, {
        ...(own && { cert: own.certPem, key: own.keyPem }),
        ...(servername !== undefined && { servername }),
      });
    },
    async tellStats(filter) {
      const { body } = await askAdmin(ports.admin, `/stats?filter=${encodeURIComponent(filter)}`);
      for (const line of body.trim().split('\n')) story.tell('admin', line);
    },
    async tellLog(name, count, rename = (line) => line) {
      await eventually(() => readLines(`${folder}/${name}`).length >= count, true);
      for (const line of readLines(`${folder}/${name}`)) story.tell(name, rename(line));
    },
  };
}
