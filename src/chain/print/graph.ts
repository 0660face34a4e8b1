import { isMap, isPair, isSeq, type Pair, parseDocument, stringify, visit } from 'yaml';
import { formatAddress } from '../../core/address.ts';
import { isSecretField } from '../../core/secret.ts';
import { defaultLimits } from '../../syntax/settings.ts';
import { proxySettings, stageSettings } from '../../syntax/stage-settings.ts';
import { listenerTlsSettings } from '../../syntax/listener/tls.ts';
import { formatSize } from '../../syntax/size.ts';
import {
  type ForwardStage,
  type Stage,
  type Graph,
  type ListenerTls,
  listStages,
  type ProxyStage,
} from '../model/graph.ts';
import { toAccessLogConfig } from './access-log.ts';
import { toHttpConfig, toPolicyConfig } from './http.ts';
import { toExitConfig, toValueConfig, unwrap } from './route.ts';
import { toScreensConfig } from './screens.ts';
import { toStateConfig } from './state.ts';
import { toTargetTlsConfig } from './target-tls.ts';
import type { FileConfig, StageConfig } from '../read/schema.ts';
import { SecretNames } from '../read/secret-names.ts';
import { withTls } from '../read/target-tls.ts';
import { escapeVariables, isReference, type SecretSources } from '../read/secrets.ts';

/** Options for printing a graph. */
export interface PrintOptions {
  /** The written forms of secrets that came from a file. Other secrets get names of variables. */
  readonly sources?: SecretSources;
  /** Comments for the top of the file, one line each. */
  readonly notes?: readonly string[];
}

/**
 * Writes a graph as a file for `chain -c`. Settings with default values are left out. Secrets are replaced by their
 * references, or by references to environment variables.
 */
export function printGraph(graph: Graph, { sources = new Map(), notes = [] }: PrintOptions = {}): string {
  const names = new SecretNames(graph, sources);
  const document = parseDocument(stringify(toFileConfig(graph, names), { lineWidth: 0 }));
  // Small maps and lists, such as limits, go on one line, unless they contain ${…}, which would need quotes there.
  visit(document, {
    Collection: (_key, node, path) => {
      const isList = isPair(path.at(-1)) && blocks.has(String((path.at(-1) as Pair).key));
      if (path.length > 5 && !isList && (isMap(node) || isSeq(node)) && isSmall(String(node))) node.flow = true;
    },
  });
  const comments = [...notes, ...names.invented.map((name) => `set ${name}: what it stands for is not printed`)];
  return (
    comments.map((line) => `# ${line}\n`).join('') + document.toString({ lineWidth: 0, flowCollectionPadding: true })
  );
}

/** Makes an object with the same content as the printed file of a graph, for output as JSON. */
export function dumpGraph(graph: Graph): object {
  const words = toFileConfig(graph, new SecretNames(graph, new Map()));
  // A route may match on such a field, and its value would let anybody in.
  return JSON.parse(
    JSON.stringify(words, (key, value: unknown) => (isSecret(key, value) ? '‹redacted›' : value)),
  ) as object;
}

function isSecret(key: string, value: unknown): boolean {
  if (!isSecretField(key) || typeof value === 'boolean') return false;
  return typeof value !== 'string' || !isReference(value);
}

function toFileConfig(graph: Graph, names: SecretNames): FileConfig {
  const stages = listStages(graph).map((stage) => [stage.name, toStageConfig(stage, names)] as const);
  const { internalBufferBytes: bytes } = graph;
  return {
    ...toAdminConfig(graph),
    ...(bytes !== undefined && { 'internal-buffer': formatSize(bytes) }),
    stages: Object.fromEntries(stages),
  };
}

function toAdminConfig({ admin, adminOpen }: Graph): Pick<FileConfig, 'admin'> {
  if (!admin) return {};
  const listen = formatListen(admin);
  return { admin: adminOpen ? { listen, open: true } : listen };
}

/** The keys whose values are always written in block style, even if they are short. */
const blocks: ReadonlySet<string> = new Set(['http', 'hosts', 'routes', 'upstreams']);

function isSmall(text: string): boolean {
  return text.length < 80 && !text.includes('${');
}

function toStageConfig(stage: Stage, names: SecretNames): StageConfig {
  const { name, route, tls, to, accessLogs = [] } = stage;
  const front = stage.job === 'proxy' ? stage.front : undefined;
  const screens = stage.job === 'http' ? stage.connectionScreens : stage.job === 'forward' ? stage.screens : undefined;
  const state = stage.job === 'proxy' ? undefined : stage.state;
  const listen = stage.listen.map((address) => formatListen(address, front));
  const usual = defaultLimits(stage.job === 'forward' ? 'forward' : 'serve');
  const { via, ...rest } = toExitConfig(route, usual, names);
  return {
    ...(!(listen.length === 1 && listen[0] === `internal://${name}`) && { listen: unwrap(listen) }),
    ...(tls && { tls: toTlsConfig(tls, names) }),
    ...(screens && { screens: toScreensConfig(screens) }),
    ...(state && { state: toStateConfig(state) }),
    ...(stage.job === 'forward' && stage.open && { open: true }),
    ...(stage.job === 'proxy' && toProxyConfig(stage, names)),
    ...(stage.job === 'http' && { http: toHttpConfig(stage, names) }),
    ...(via !== undefined && { via }),
    ...toTargetConfig(stage, names),
    ...(to && to.balance !== 'first' && { balance: to.balance }),
    ...rest,
    ...toValueConfig(stageSettings, stage),
    ...(stage.log && { log: true }),
    ...(accessLogs.length > 0 && { 'access-log': unwrap(accessLogs.map(toAccessLogConfig)) }),
  };
}

/** Writes where a stage leads to; `tls://` says all of TLS without settings. */
function toTargetConfig(stage: Stage, names: SecretNames): Pick<StageConfig, 'to' | 'to-tls'> {
  const { targetFormat, targetTls }: Partial<ForwardStage> = stage.job === 'forward' ? stage : {};
  const targets = targetFormat === undefined ? stage.to?.targets.map(formatAddress) : [targetFormat];
  if (!targets) return {};
  const tls = targetTls && toTargetTlsConfig(targetTls, names);
  return {
    to: unwrap(targets.map((target) => escapeVariables(tls === true ? withTls(target) : target))),
    ...(tls && tls !== true && { 'to-tls': tls }),
  };
}

function formatListen(address: Stage['listen'][number], front?: string): string | number {
  const place = address.kind === 'tcp' && address.host === '127.0.0.1' ? address.port : formatAddress(address);
  if (front !== undefined) return escapeVariables(`${front}:${place}`);
  return typeof place === 'number' ? place : escapeVariables(place);
}

function toTlsConfig(tls: ListenerTls, names: SecretNames): NonNullable<StageConfig['tls']> {
  const { cert, key, ...others } = toValueConfig(listenerTlsSettings, tls);
  if (cert === undefined && Object.keys(others).length === 0) return true;
  return {
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && key !== cert && { key }),
    ...names.ofKey(tls),
    ...others,
  };
}

/** Writes the settings of a proxy; a front says already that the stage is one, unless it has a target too. */
function toProxyConfig(stage: ProxyStage, names: SecretNames): Pick<StageConfig, 'proxy'> {
  const { accept, front, to } = stage;
  const words = {
    ...(accept.length > 0 && { accept: unwrap(accept) }),
    ...toPolicyConfig(stage, names),
    ...toValueConfig(proxySettings, stage),
  };
  if (Object.keys(words).length > 0) return { proxy: words };
  return front === undefined || to ? { proxy: true } : {};
}
