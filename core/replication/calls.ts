/** One request to one peer by its number (wire/peer/calls.ts): the slow path beside the two hot frames. */
import { CoterieError } from '../base/errors.ts';
import { type Call, decodeAnswer } from '../wire/peer/calls.ts';
import { encodeCall } from '../wire/peer/frames.ts';
import type { Requests } from './requests.ts';

/** Runs once. */
export type CallDone = (error: CoterieError | null, body: Buffer | null) => void;

export function call(requests: Requests, peer: number, what: Call, payload: Buffer, done: CallDone): void {
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
          const { error, body } = decodeAnswer(frame, what);
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
      (requestId) => encodeCall(requestId, what.method, payload),
    );
  } catch (error) {
    end(error as CoterieError, null);
  }
}
