import type { TcpAddress } from '../../core/address.ts';
import { Conversation } from './conversation.ts';
import type { Examination } from './examination.ts';

/** The line by which an echo is recognised. */
const line = 'tunl check\r\n';

/** A tunnel whose target sends back what it gets, and how long that takes, in milliseconds. */
export interface Echo {
  readonly conversation: Conversation;
  readonly ms: number;
}

/** Opens a tunnel and finds out whether its target echoes. Undefined if it does not; the tunnel is closed then. */
export async function openEcho(exam: Examination, open: TcpAddress): Promise<Echo | undefined> {
  const { link } = await exam.dial(open);
  if (!link) return undefined;
  const conversation = new Conversation(link);
  try {
    const sent = performance.now();
    conversation.send(line);
    await conversation.hearAll(line.length, exam.patienceMs, exam.signal);
    const ms = performance.now() - sent;
    if (conversation.received.toString('latin1') === line) return { conversation, ms };
    conversation.close();
    return undefined;
  } catch (error) {
    conversation.close();
    throw error;
  }
}
