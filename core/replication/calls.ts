/** One request to one peer by method number: the slow path beside the two hot frames. */
import { CoterieError } from '../base/errors.ts';
import { encodeCall } from '../wire/peer/frames.ts';
import { parseCallReply } from './replica/peer-service.ts';
import type { Requests } from './requests.ts';

export const callMethod = {
  forward: 1,
  scan: 2,
  count: 3,
  flush: 4,
  keepHint: 5,
  readHint: 6,
  checkTombstones: 7,
  collectTombstones: 8,
  holdsNothing: 9,
  compareReplicas: 20,
  membership: 21,
} as const;

/** Runs once. */
export type CallDone = (error: CoterieError | null, body: Buffer | null) => void;

export function call(
  requests: Requests,
  peer: number,
  method: number,
  payload: Buffer,
  done: CallDone,
): void {
  let isOver = false;
  const end: CallDone = (error, body) => {
    if (isOver) return;
    isOver = true;
    done(error, body);
  };
  try {
    requests.send(
      [peer],
      {
        onReply(_, frame) {
          const { error, body } = parseCallReply(frame);
          end(error, body);
        },
        onFailure() {
          end(
            new CoterieError('unavailable', 'The node that holds this key did not answer. Try again.'),
            null,
          );
        },
        onSlow() {},
      },
      (requestId) => encodeCall(requestId, method, payload),
    );
  } catch (error) {
    end(error as CoterieError, null);
  }
}
