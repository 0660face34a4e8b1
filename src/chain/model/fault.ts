/** An error in a graph. */
export interface GraphFault {
  /** The name of the stage that has the error. */
  readonly stage: string;
  /** The part of the stage, or of `about`, that is wrong. */
  readonly part: 'name' | 'listen' | 'to' | 'via' | 'http' | 'limits' | 'retry' | 'access-log' | 'screens';
  /** The upstream, route or host that has the error: the same object as in the graph. */
  readonly about?: object;
  readonly message: string;
  /** The name of the stage, or `admin`, that has the same already. */
  readonly first?: string;
  readonly hint?: string;
}
