/** How programs reach the data, for those who show it. */
import type { ClientsView } from '../../contract/computer-views.ts';
import type { HostActions } from '../api-handlers.ts';

export function clientsViewOf({ access, admission, clientsOpen, lan, view }: HostActions): ClientsView {
  const { required, users } = access.view();
  return {
    isOpen: clientsOpen,
    whyNot: whyNotOpen(lan !== null, required, users.length),
    nodes: view.nodes().map(({ name, computer, client, network }) => ({
      ...{ node: name, computer, local: client, network },
    })),
    http: admission.httpUrl,
    loginRequired: required,
    users: users.map(({ name }) => name),
    authority: lan?.authority() ?? null,
  };
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
