import type { StateValue } from '../../syntax/format/state.ts';

/** The operator for the server name that a client asks for in TLS, in all of its spellings. */
const asked = /%REQUESTED_SERVER_NAME(?:\([^)]*\))?(?::\d+)?%/;

/** Operators for what a PROXY header tells, and for what clients say, which may be their target in a stage inside. */
const [told, said] = [/%DOWNSTREAM_/, /%(?:REQ\(|REQUESTED_SERVER_NAME|FILTER_STATE\()/];

/** The parts of a stage that may depend on what its clients ask for. */
interface Named {
  readonly targetFormat?: string | undefined;
  readonly state?: readonly StateValue[];
  readonly tls?: object;
  readonly acceptProxyProtocol?: string;
}

function listTexts({ targetFormat = '', state = [] }: Named): readonly string[] {
  return [targetFormat, ...state.map(({ value }) => value)];
}

/** True if a stage looks for the server name in the first bytes of its connections: it does not end TLS itself. */
export function looksAtHello(stage: Named): boolean {
  return !stage.tls && listTexts(stage).some((text) => asked.test(text));
}

/** True if clients choose the target of a stage: by the server name that they ask for, or by their PROXY header. */
export function isChosenByName(stage: Named): boolean {
  if (stage.targetFormat === undefined) return false;
  const isTold = stage.acceptProxyProtocol !== undefined;
  return listTexts(stage).some((text) => asked.test(text) || (isTold && told.test(text)));
}

/** True if the stages inside see what a client says: it may be their target. */
export function tellsInside({ state = [] }: Pick<Named, 'state'>): boolean {
  return state.some(({ value, share }) => share && said.test(value));
}
