import type { TunlError } from '../../core/errors.ts';
import type { NoticeEvent } from '../../core/events.ts';
import { nameKeys } from '../model/file-words.ts';
import { Source } from './document.ts';
import { findDoubts } from '../check/doubts.ts';
import { FileReader, type FileReaderOptions } from './file-reader.ts';
import { explainIssues } from './issues.ts';
import type { Graph } from '../model/graph.ts';
import { checkForm } from './schema.ts';
import type { SecretSources } from './secrets.ts';
import type { GraphFault } from '../model/fault.ts';
import { findFaults } from '../check/validate.ts';

/** Options for loading a file. */
export interface LoadOptions extends FileReaderOptions {
  /** The file as messages name it. */
  readonly name: string;
}

/** A graph and the written forms of its secrets. */
export interface LoadedGraph {
  readonly graph: Graph;
  readonly sources: SecretSources;
  /** Adds to an error of a stage its place in the file, which is where the file that it is about is named, if there is one. */
  readonly blame: (error: TunlError, stage: string | undefined) => TunlError;
  /** Warnings about the file. */
  readonly notices?: readonly NoticeEvent[];
}

/** The maximum number of schema issues that are explained, of which an error reports the first few. */
const maxExplained = 200;

/**
 * Loads the graph from a file of `chain`.
 * @throws {TunlError} usage, with file, line and column, if the file has any error
 */
export function loadGraph(text: string | Source, options: LoadOptions): LoadedGraph {
  const source = typeof text === 'string' ? new Source(text, options.name) : text;
  const form = checkForm(source.value);
  if ('issues' in form) throw source.fail(explainIssues(form.issues.slice(0, maxExplained)));
  const reader = new FileReader(form.words, options);
  const graph = reader.read();
  if (reader.attempts.faults.length > 0) throw source.fail(reader.attempts.faults);
  const place = ({ stage, part, about }: GraphFault) => {
    const path = (about && reader.places.get(about)) ?? ['stages', stage];
    return part === 'name' || (part === 'http' && about) ? path : [...path, part];
  };
  const faults = findFaults(graph);
  if (faults.length > 0) {
    throw source.fail(
      faults.map((fault) => ({
        path: place(fault),
        atKey: fault.part === 'name',
        message: fault.message,
        hints: fault.hint === undefined ? [] : [fault.hint],
        ...(fault.first !== undefined && {
          first: fault.first === 'admin' ? ['admin'] : ['stages', fault.first, 'listen'],
        }),
      })),
    );
  }
  return {
    graph,
    sources: reader.sources,
    blame: (error, stage) => {
      const { file, setting } = error.facts;
      const part = [...(stage === undefined ? [] : ['stages', stage]), ...(setting === undefined ? [] : [setting])];
      const at = file === undefined ? undefined : reader.attempts.findFile(file, part);
      return source.blame(nameKeys(error), at ?? part, !at && setting === undefined);
    },
    notices: findDoubts(graph).map((doubt) => ({
      event: 'notice',
      level: 'warning',
      message: `${source.placeOf(place(doubt))}: ${doubt.message}`,
    })),
  };
}
