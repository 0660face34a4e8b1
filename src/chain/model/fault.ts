/** Something that a graph cannot have. */
export interface GraphFault {
  /** The stage that it is about. */
  readonly stage: string;
  /** Which part of it, or of `about`. */
  readonly part: 'name' | 'listen' | 'to' | 'via' | 'http' | 'limits' | 'retry' | 'access-log';
  /** The upstream, route or host of the stage that it is about, the very object of the graph. */
  readonly about?: object;
  readonly message: string;
  readonly hint?: string;
}
