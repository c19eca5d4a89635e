/** What keeps the app from starting, as a question to the person: what is wrong, and what can be done here. Pure. */
import type { CoterieError } from '../core/base/errors.ts';

export interface Ports {
  readonly client: number;
  readonly ui: number;
  readonly control: number;
  readonly peer: number;
}

export interface StartProblem {
  readonly message: string;
  readonly detail: string;
  /** The ports that would work, where that is the problem. */
  readonly otherPorts: Ports | null;
  /** Label of the button that takes them. */
  readonly otherPortsLabel: string | null;
}

const purposes: Readonly<Record<keyof Ports, string>> = {
  client: 'Redis clients',
  ui: 'the browser, HTTP and metrics',
  control: 'the command line',
  peer: 'the other nodes',
};

const variables: Readonly<Record<keyof Ports, string>> = {
  client: 'COTERIE_CLIENT_PORT',
  ui: 'COTERIE_UI_PORT',
  control: 'COTERIE_CONTROL_PORT',
  peer: 'COTERIE_PEER_PORT',
};

/** The error's own words name options of the command line, which nobody has here; its details carry the facts. */
export function startProblemOf(error: CoterieError, ports: Ports): StartProblem {
  const { port, free } = error.details;
  const which = (Object.keys(ports) as (keyof Ports)[]).find((name) => ports[name] === port);
  if (error.code !== 'busy' || which === undefined || typeof free !== 'number') {
    return {
      message: 'Coterie cannot start',
      detail: error.message,
      otherPorts: null,
      otherPortsLabel: null,
    };
  }
  return {
    message: `Port ${port} is in use by another program`,
    detail: `Coterie wants it for ${purposes[which]}. Use port ${free} this time, or end the other program and try again. To use another port always, set ${variables[which]}.`,
    otherPorts: { ...ports, [which]: free },
    otherPortsLabel: `Use port ${free}`,
  };
}
