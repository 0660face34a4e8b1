import type { StateValue } from '../../syntax/format/state.ts';

/** The operator for the server name that a client asks for in TLS. */
const asked = '%REQUESTED_SERVER_NAME%';

/** The parts of a stage that may depend on what its clients ask for. */
interface Named {
  readonly targetFormat?: string | undefined;
  readonly state?: readonly StateValue[];
  readonly tls?: object;
}

function listTexts({ targetFormat = '', state = [] }: Named): readonly string[] {
  return [targetFormat, ...state.map(({ value }) => value)];
}

/** True if a stage looks for the server name in the first bytes of its connections: it does not end TLS itself. */
export function looksAtHello(stage: Named): boolean {
  return !stage.tls && listTexts(stage).some((text) => text.includes(asked));
}

/** True if clients choose the target of a stage by the server name that they ask for. */
export function isChosenByName(stage: Named): boolean {
  return stage.targetFormat !== undefined && listTexts(stage).some((text) => text.includes(asked));
}

/** True if the stages inside see what a request says: it may be their target. */
export function tellsInside({ state = [] }: Pick<Named, 'state'>): boolean {
  return state.some(({ value, share }) => share && value.includes('%REQ('));
}
