/**
 * What a node answers while it opens its storage: its links are there, and nobody behind them serves anything yet. Every request is
 * refused at once, so that whoever asked goes on to another replica. Without an answer it would wait for its deadline, and its
 * client with it.
 */
import { CoterieError } from '../../base/errors.ts';
import type { PeerNetwork } from '../../ports/peer-network.ts';
import { encodeAnswer } from '../../wire/peer/calls.ts';
import {
  encodeStatus,
  frameHeadBytes,
  frameType,
  requestIdOf,
  status,
  typeOf,
} from '../../wire/peer/frames.ts';

/** Nothing was done, and another replica may do it. */
export function startingError(): CoterieError {
  return new CoterieError('not-ready', 'The node that holds this key is starting. Try again.');
}

/** Until somebody else takes the frames of this network. */
export function refuseWhileStarting(network: PeerNetwork): void {
  network.onFrame((from, frame) => {
    const reply = frame.length < frameHeadBytes ? null : refusalOf(frame);
    if (reply !== null) network.send(from, reply);
  });
}

/** Null where no answer is wanted, or the frame is no request. */
function refusalOf(frame: Buffer): Buffer | null {
  const requestId = requestIdOf(frame);
  switch (typeOf(frame)) {
    case frameType.replicaPut:
      return requestId === 0 ? null : encodeStatus(frameType.replicaAck, requestId, status.failed, null);
    case frameType.replicaGet:
      return encodeStatus(frameType.replicaRecord, requestId, status.failed, null);
    case frameType.call:
      return encodeAnswer(requestId, startingError(), null);
    default:
      return null;
  }
}
