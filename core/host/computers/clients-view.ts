/** How programs reach the data, for those who show it. */
import type { ClientsView } from '../../contract/computer-views.ts';
import { presentInterfaces } from '../../platform/interfaces.ts';
import type { HostActions } from '../api-handlers.ts';
import { clientInterfaces } from './client-interfaces.ts';
import { addressOf, ownAddresses } from './known-places.ts';

export function clientsViewOf({ access, admission, settings, network, lan, view }: HostActions): ClientsView {
  const { required, users } = access.view();
  const { clientsOpen: isOpen, listen, clientInterfaces: interfaces } = settings;
  return {
    isOpen,
    whyNot: whyNotOpen(lan !== null, required, users.length),
    nodes: view.nodes().map(({ name, computer, client, network: address }) => ({
      ...{ node: name, computer, local: client, network: address },
    })),
    http: admission.httpUrl,
    httpNetwork: placesAt(admission.networkPort, listen, network?.addresses ?? null).map(
      (place) => `https://${place}/`,
    ),
    interfaces: listen === null ? [] : clientInterfaces({ listen, interfaces }, isOpen, presentInterfaces()),
    loginRequired: required,
    users: users.map(({ name }) => name),
    authority: lan?.authority() ?? null,
  };
}

/** `hosts` null: at each of this computer's addresses. */
function placesAt(port: number | null, listen: string | null, hosts: readonly string[] | null): string[] {
  if (port === null || listen === null) return [];
  return hosts?.map((host) => addressOf(host, port)) ?? ownAddresses(listen, port);
}

function whyNotOpen(isListening: boolean, required: boolean, userCount: number): string | null {
  if (!isListening) {
    return 'Other computers cannot connect to this one. Let them connect first, on the page Computers or with coterie serve --listen lan.';
  }
  if (userCount === 0)
    return 'There is no user yet, so everybody could read and write. Add one under Users, or with: coterie user add NAME';
  if (!required)
    return 'No login is required yet, so everybody could read and write. Require it under Users, or with: coterie user require on';
  return null;
}
