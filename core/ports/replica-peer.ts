/**
 * Other replicas as repair sees them: one question, one answer. Every question ends, by answer, by link loss or by
 * deadline; a repeated or late frame is the implementation's affair.
 */
import type { CoterieError } from '../base/errors.ts';

export type AnswerDone = (error: CoterieError | null, body: Buffer | null) => void;

export interface ReplicaPeers {
  isUp(peer: number): boolean;
  ask(peer: number, question: Buffer, done: AnswerDone): void;
  /** The handler may answer later; what it throws becomes the answer's error. */
  onQuestion(handler: (from: number, question: Buffer, answer: AnswerDone) => void): void;
}
