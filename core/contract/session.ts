/**
 * How a page shows that it was logged in: a cookie, which a browser sends to every server on this address, and a token that
 * the page keeps for its own origin, which includes the port. Both go with the handshake of the WebSocket, so that nothing
 * is taken from, or kept for, anybody who has only one of them.
 */

/** The first subprotocol offered, and the one that is chosen. */
export const socketProtocol = 'coterie.1';
/** The second one offered carries the token. */
export const socketTokenPrefix = 'coterie.token.';
/**
 * A frame of a page. A larger one is put together by the host at one go, while nobody else is answered; the values that people write by hand
 * are smaller, and the others come over Redis, HTTP or the command line.
 */
export const pageFrameBytesMax = 16 * 1024 * 1024;
/** Code with which the host closes a WebSocket whose session has ended. */
export const sessionEndedCode = 4401;
/** Where the page keeps the token, by origin. As in renderer/public/login.js. */
export const tokenStorageKey = 'coterie.session';
/** Answers 200 to whoever is logged in, 401 with words to anybody else. */
export const sessionPath = '/session';
