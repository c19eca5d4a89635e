/**
 * Somebody at a computer of the network, or an outsider with one of his own: a process in its namespace that does there, by name,
 * what a test asks for (visitor-program.ts).
 */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { bundleProgram } from '../../support/bundle-program.ts';
import type { Lan } from './lan.ts';
import type { Tasks } from './visitor-program.ts';

type Answer = { readonly id: number } & (
  | { readonly output: unknown }
  | { readonly code: string; readonly message: string }
);

interface Waiting {
  readonly resolve: (output: never) => void;
  readonly reject: (error: Error) => void;
}

/** The program of visitors, bundled once for a file of tests. */
export class VisitorProgram {
  readonly #folder = mkdtempSync(join(tmpdir(), 'coterie-visitor-'));
  #path = '';

  get path(): string {
    return this.#path;
  }

  async build(): Promise<void> {
    this.#path = await bundleProgram(join(import.meta.dirname, 'visitor-program.ts'), this.#folder);
  }

  dispose(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export class Visitor {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #count = 0;

  constructor(lan: Lan, number: number, program: VisitorProgram) {
    this.#child = lan.spawn(number, [process.execPath, program.path], { isVisitor: true, stderr: 'inherit' });
    this.pid = this.#child.pid!;
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.#take(JSON.parse(line)));
    this.#child.once('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('The visitor has gone.'));
      this.#waiting.clear();
    });
  }

  /** Rejects with what went wrong there; `code` as there. */
  ask<T extends keyof Tasks>(
    task: T,
    input: Parameters<Tasks[T]>[0],
  ): Promise<Awaited<ReturnType<Tasks[T]>>> {
    const id = ++this.#count;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.stdin!.write(`${JSON.stringify({ id, task, input })}\n`);
    });
  }

  #take(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id)!;
    this.#waiting.delete(answer.id);
    if ('output' in answer) waiting.resolve(answer.output as never);
    else waiting.reject(Object.assign(new Error(answer.message), { code: answer.code }));
  }
}
