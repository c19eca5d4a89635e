/** The part of ClusterApi that acts on one node: here, or on the computer that it is on. */
import type { Handlers, HostActions, NotePerson } from './api-handlers.ts';
import { type Caller, whoOf } from './caller.ts';
import { acceptedInWords, acceptedLossOf } from './view/loss-book.ts';

type NodeMethod = Extract<keyof Handlers, `nodes.${string}`>;
type NodeHandlers = Pick<Handlers, NodeMethod>;

export function nodeHandlers(host: HostActions, byPerson: NotePerson): NodeHandlers {
  const handlers: NodeHandlers = {
    'nodes.start': async ({ name }, caller) => {
      host.nodes.named(name).start();
      byPerson(caller, 'node', name, `${name} was started.`);
      return {};
    },
    'nodes.stop': async ({ name }, caller) => {
      byPerson(caller, 'node', name, `${name} is stopped: it finishes what it has and ends.`);
      await host.nodes.named(name).stop();
      return {};
    },
    'nodes.restart': async ({ name }, caller) => {
      byPerson(caller, 'node', name, `${name} is restarted.`);
      await host.nodes.named(name).restart();
      return {};
    },
    'nodes.kill': async ({ name }, caller) => {
      host.nodes.named(name).kill();
      byPerson(caller, 'node', name, `${name} was killed on purpose.`);
      return {};
    },
    'nodes.pause': async ({ name }, caller) => {
      host.nodes.named(name).pause();
      byPerson(caller, 'node', name, `${name} was paused.`);
      return {};
    },
    'nodes.resume': async ({ name }, caller) => {
      host.nodes.named(name).resume();
      byPerson(caller, 'node', name, `${name} goes on.`);
      return {};
    },

    'nodes.acceptLoss': async ({ name }, caller) => {
      const accepted = acceptedLossOf(host.layouts.present, await host.nodes.named(name).acceptLoss());
      const message = acceptedInWords(name, accepted);
      byPerson(caller, 'node', name, message, 'warning');
      return accepted;
    },
  };
  return doneWhereItIs(handlers, host);
}

/** What is asked of a node of another computer is done there. */
function doneWhereItIs(handlers: NodeHandlers, host: HostActions): NodeHandlers {
  const forward = <M extends NodeMethod>(method: M): NodeHandlers[M] => {
    const here = handlers[method] as (input: { name: string }, caller: Caller) => Promise<unknown>;
    return (async (input: { name: string }, caller: Caller) => {
      if (host.nodes.has(input.name)) return here(input, caller);
      const node = host.lan?.computers.elsewhere.find((other) => other.node.name === input.name)?.node;
      if (node === undefined) return here(input, caller);
      return host.lan!.computers.call(node.computer, method, input, whoOf(caller));
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
