/** The part of ClusterApi that acts on one node: here, or on the computer that it is on. */
import type { ActivityKind } from '../contract/views.ts';
import type { Handlers, HostActions } from './api-handlers.ts';
import { acceptedInWords, acceptedLossOf } from './view/loss-book.ts';

type NodeMethod = Extract<keyof Handlers, `nodes.${string}`>;
type NodeHandlers = Pick<Handlers, NodeMethod>;

export function nodeHandlers(
  host: HostActions,
  byPerson: (kind: ActivityKind, subject: string, message: string) => void,
): NodeHandlers {
  const handlers: NodeHandlers = {
    'nodes.start': async ({ name }) => {
      host.nodes.named(name).start();
      byPerson('node', name, `${name} was started.`);
      return {};
    },
    'nodes.stop': async ({ name }) => {
      byPerson('node', name, `${name} is stopped: it finishes what it has and ends.`);
      await host.nodes.named(name).stop();
      return {};
    },
    'nodes.restart': async ({ name }) => {
      byPerson('node', name, `${name} is restarted.`);
      await host.nodes.named(name).restart();
      return {};
    },
    'nodes.kill': async ({ name }) => {
      host.nodes.named(name).kill();
      byPerson('node', name, `${name} was killed on purpose.`);
      return {};
    },
    'nodes.pause': async ({ name }) => {
      host.nodes.named(name).pause();
      byPerson('node', name, `${name} was paused.`);
      return {};
    },
    'nodes.resume': async ({ name }) => {
      host.nodes.named(name).resume();
      byPerson('node', name, `${name} goes on.`);
      return {};
    },

    'nodes.acceptLoss': async ({ name }) => {
      const accepted = acceptedLossOf(host.layouts.present, await host.nodes.named(name).acceptLoss());
      const message = acceptedInWords(name, accepted);
      host.trail.note({ kind: 'node', subject: name, message, by: 'person', severity: 'warning' });
      return accepted;
    },
  };
  return doneWhereItIs(handlers, host);
}

/** What is asked of a node of another computer is done there. */
function doneWhereItIs(handlers: NodeHandlers, host: HostActions): NodeHandlers {
  const forward = <M extends NodeMethod>(method: M): NodeHandlers[M] => {
    const here = handlers[method] as (input: { name: string }, caller: { name: string }) => Promise<unknown>;
    return (async (input: { name: string }, caller: { sessionId: string | null; name: string }) => {
      if (host.nodes.has(input.name)) return here(input, caller);
      const node = host.lan?.computers.elsewhere.find((other) => other.node.name === input.name)?.node;
      if (node === undefined) return here(input, caller);
      return host.lan!.computers.call(node.computer, method, input, caller.name);
    }) as NodeHandlers[M];
  };
  return {
    'nodes.start': forward('nodes.start'),
    'nodes.stop': forward('nodes.stop'),
    'nodes.restart': forward('nodes.restart'),
    'nodes.kill': forward('nodes.kill'),
    'nodes.pause': forward('nodes.pause'),
    'nodes.resume': forward('nodes.resume'),
    'nodes.acceptLoss': forward('nodes.acceptLoss'),
  };
}
