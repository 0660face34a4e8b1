import { isMap, isSeq, parseDocument, stringify, visit } from 'yaml';
import { type Graph, toPlain } from '../../chain/model/graph.ts';
import { SharedNames } from '../../chain/model/shared-names.ts';
import { usageError } from '../../core/errors.ts';
import { type EnvoyGraph, type EnvoyStage, toEnvoyGraph } from './normal/graph.ts';
import { type FieldSources, FieldWriter } from './fields.ts';
import { type StageTrees, toForwardTrees } from './forward.ts';
import { toHttpTrees } from './http.ts';
import { leadsInside, withSharedState } from './filter-state.ts';
import { findUnexpressed, type Unexpressed } from './faults.ts';
import { toAddress, type Tree, typed } from './terms.ts';

/**
 * Writes a graph as a bootstrap file for Envoy. The file refers to secrets of hops as environment variables, which it
 * lists in comments at the top.
 * @throws {TunlError} usage, listing all features that Envoy does not support, each with its stage
 */
export function writeBootstrap(graph: Graph, sources: FieldSources = new Map()): string {
  const plain = toPlain(graph);
  const [first, ...others] = findUnexpressed(plain).map(describe);
  if (first !== undefined)
    throw usageError(`cannot export to Envoy: ${first}`, ...others.map((line) => `also ${line}`));
  const fields = new FieldWriter(sources);
  const tree = toBootstrap(toEnvoyGraph(plain, fields));
  return fields.notes.map((note) => `# ${note}\n`).join('') + format(tree);
}

function describe({ stage, message, hint }: Unexpressed): string {
  const place = stage === undefined ? '' : `${stage}: `;
  return `${place}${message}${hint === undefined ? '' : ` (${hint})`}`;
}

function toBootstrap(graph: EnvoyGraph): Tree {
  const { stages, admin, internalBufferBytes } = graph;
  // Clusters of other stages are named after the stages, and must not take the names of upstreams.
  const names = new SharedNames(
    stages.flatMap((stage) => (stage.job === 'http' ? stage.upstreams : [])).map(({ name }) => name),
  );
  const trees = stages.map((stage) => toTrees(stage, names));
  const isShared = stages.some(({ state = [] }) => state.some(({ share }) => share));
  const clusters = trees
    .flatMap((part) => part.clusters)
    .map((cluster) => (isShared && leadsInside(cluster) ? withSharedState(cluster) : cluster));
  const isInternal = stages.some(({ listen }) => listen.some(({ kind }) => kind === 'internal'));
  return {
    ...(admin && { admin: { address: toAddress(admin) } }),
    ...(isInternal && { bootstrap_extensions: [toInternalExtension(internalBufferBytes)] }),
    static_resources: {
      listeners: trees.map(({ listener }) => listener),
      // Several stages may use the same upstream.
      clusters: clusters.filter(({ name }, index) => clusters.findIndex((other) => other['name'] === name) === index),
    },
  };
}

function toTrees(stage: EnvoyStage, names: SharedNames): StageTrees {
  switch (stage.job) {
    case 'forward':
      return toForwardTrees(stage, names);
    case 'http':
      return toHttpTrees(stage);
  }
}

function toInternalExtension(bytes: number | undefined): Tree {
  const size = bytes === undefined ? {} : { buffer_size_kb: bytes / 1024 };
  return {
    name: 'envoy.bootstrap.internal_listener',
    typed_config: typed('bootstrap.internal_listener.v3.InternalListener', size),
  };
}

/** Formats a file as YAML. Small maps and lists go on one line, except messages with a type. */
function format(tree: Tree): string {
  // Envoy reads the words for true and false of YAML 1.1, so texts such as yes are quoted.
  const compat = 'yaml-1.1';
  const document = parseDocument(stringify(tree, { lineWidth: 0, aliasDuplicateObjects: false, compat }), { compat });
  visit(document, {
    Scalar: (_key, node) => {
      // The reader of Envoy takes a `?` inside braces for the beginning of a key.
      if (typeof node.value === 'string' && node.value.includes('?')) node.type = 'QUOTE_DOUBLE';
    },
    Collection: (_key, node, path) => {
      const text = String(node);
      const isSmall = path.length > 2 && text.length < 100 && !text.includes('@type') && (isMap(node) || isSeq(node));
      if (isSmall) node.flow = true;
    },
  });
  return document.toString({ lineWidth: 0, indentSeq: false, flowCollectionPadding: true });
}
