/** With what a computer is opened. */
export interface HostSettings {
  readonly folder: string;
  /** Nodes of a new cluster per data center; ignored when the folder holds a cluster, unless it disagrees. */
  readonly nodes: Readonly<Record<string, number>> | null;
  readonly host: string;
  /** Where other computers may connect, 0.0.0.0 for all addresses; null: nowhere, all of the cluster is on this one. */
  readonly listen: string | null;
  /** Programs on other computers may reach the data: with a login, over TLS, and only where `listen` is an address. */
  readonly clientsOpen: boolean;
  /** By name, at which interfaces they may; null: at all. */
  readonly clientInterfaces: readonly string[] | null;
  /** For other computers; 0: any free one. */
  readonly computerPort: number;
  /** First port of each kind; 0 for any free ones. */
  readonly clientPort: number;
  readonly peerPort: number;
  readonly clusterName: string;
  readonly computerName: string;
  readonly readOnly: boolean;
  /** Bytes of memory for values, per node. */
  readonly hotBytesMax: number;
}

/** Memory for values, per node: modest, because it is somebody's working computer. */
export const defaultHotBytesMax = 256 * 1024 * 1024;
