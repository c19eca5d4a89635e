/** Where data lives when nobody says otherwise, by each system's custom. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

export function defaultDataFolder(environment: NodeJS.ProcessEnv = process.env): string {
  if (environment.COTERIE_DATA) return resolve(environment.COTERIE_DATA);
  const home = homedir();
  switch (process.platform) {
    case 'darwin':
      return join(home, 'Library', 'Application Support', 'Coterie', 'data');
    case 'win32':
      return join(environment.LOCALAPPDATA ?? join(home, 'AppData', 'Local'), 'Coterie', 'data');
    default:
      return join(environment.XDG_DATA_HOME ?? join(home, '.local', 'share'), 'coterie');
  }
}
