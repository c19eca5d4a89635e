/** Logs in as the page does: hands over the code of a login link, and shows cookie and token at the WebSocket's handshake. */
import { WebSocket } from 'ws';
import { socketProtocol, socketTokenPrefix } from '../../core/contract/session.ts';

export interface LoggedIn {
  readonly cookie: string;
  readonly token: string;
}

/** Rejects when the link is refused. */
export async function logIn(link: string): Promise<LoggedIn> {
  const { origin, hash } = new URL(link);
  const code = new URLSearchParams(hash.slice(1)).get('code');
  const answer = await fetch(`${origin}/session`, { method: 'POST', body: JSON.stringify({ code }) });
  if (!answer.ok) throw new Error(`The login was refused: ${answer.status} ${await answer.text()}`);
  const { token } = (await answer.json()) as { token: string };
  return { token, cookie: answer.headers.get('set-cookie')!.split(';')[0] };
}

/** A socket that is being opened; `headers` beside the cookie. */
export function apiSocket(
  uiUrl: string,
  { cookie, token }: Partial<LoggedIn>,
  headers: Readonly<Record<string, string>> = {},
): WebSocket {
  const proof = token === undefined ? [] : [`${socketTokenPrefix}${token}`];
  const url = `${uiUrl.replace('http', 'ws')}api`;
  const all = { ...headers, ...(cookie === undefined ? {} : { Cookie: cookie }) };
  return new WebSocket(url, [socketProtocol, ...proof], { headers: all });
}

/** Rejects when it is refused, with the status. */
export function opened(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve());
    socket.once('error', reject);
  });
}
