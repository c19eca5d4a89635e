/** Names of the IPC channels, shared by the preload script and the main process. */
export const channels = {
  invoke: 'coterie:invoke',
  subscribe: 'coterie:subscribe',
  unsubscribe: 'coterie:unsubscribe',
  event: 'coterie:event',
} as const;
