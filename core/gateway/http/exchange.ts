/** One request with its answer, and the moment at which nobody waits for it any more. */
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface Exchange {
  readonly request: Pick<IncomingMessage, 'socket'>;
  readonly response: Pick<ServerResponse, 'once' | 'off' | 'destroyed' | 'writableFinished'>;
}

/** The answer was written, or the client is gone. An answer that waits behind others on its connection ends with that. */
export function isOver({ request, response }: Exchange): boolean {
  return request.socket.destroyed || response.destroyed || response.writableFinished;
}

/** Runs `act` once, at once when it is over already. */
export function whenOver(exchange: Exchange, act: () => void): void {
  const { request, response } = exchange;
  if (isOver(exchange)) {
    act();
    return;
  }
  const { socket } = request;
  const over = () => {
    socket.off('close', over);
    response.off('close', over);
    act();
  };
  socket.once('close', over);
  response.once('close', over);
}
