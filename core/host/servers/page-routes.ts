/**
 * The page over HTTP: logging in and its files. A login link is an address of our own page with the code after `#`, which a
 * browser sends nowhere; the page hands it over and keeps the token that it gets for its origin.
 */
import { readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { CoterieError } from '../../base/errors.ts';
import { sessionPath } from '../../contract/session.ts';
import { type BodyComponents, type BodyLimits, withBody } from '../../gateway/http/body.ts';
import { failure } from '../../gateway/http/failures.ts';
import type { KvEnvironment } from '../../gateway/http/kv-rights.ts';
import type { Admission } from '../access/admission.ts';
import { browserInWords } from '../access/login.ts';
import { contentTypeOf, pageFileOf } from './page-files.ts';

type PageContext = Context<KvEnvironment>;

const codeLimits: BodyLimits = { bytesMax: 1024, tooLargeWords: 'This is no login code.' };
const codeBody = z.object({ code: z.string().min(1).max(200) });

const notLoggedIn = new CoterieError(
  'unauthorized',
  'This browser is not logged in, or not any more. Run coterie login on this computer, and open the link that it prints.',
);

/** Files that are served to anybody: they make the login page work. */
const publicFiles = new Set(['/login.js', '/favicon.svg']);

const loginPage = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Coterie</title>
<meta name="color-scheme" content="light dark">
<body style="font:16px/1.5 system-ui;max-width:34rem;margin:12vh auto;padding:0 1rem">
<h1 style="font-size:1.3rem">Open the link that Coterie printed</h1>
<p id="words">This page needs the one-time link that was shown when Coterie started. It works once, for ten minutes.
For a new one, run <code>coterie login</code> on this computer.</p><script src="/login.js" defer></script></body></html>`;

export function pageRoutes(
  components: BodyComponents & { admission: Admission },
  settings: { rendererFolder: string; port: () => number },
): Hono<KvEnvironment> {
  const { admission } = components;
  const { rendererFolder, port } = settings;
  const assetFolder = join(rendererFolder, 'assets') + sep;
  const app = new Hono<KvEnvironment>();

  app.post(sessionPath, async (c) => {
    const exchange = { request: c.env.incoming, response: c.env.outgoing };
    const code = await withBody(components, exchange, codeLimits, async (body) => codeOf(body));
    const redeemed = admission.logIn(code, browserInWords(c.req.header('user-agent')), port());
    c.header('Cache-Control', 'no-store');
    if (redeemed === null) {
      const words = 'This link was used already, or is too old. Run coterie login for a new one.';
      return failure(new CoterieError('unauthorized', words));
    }
    c.header('Set-Cookie', redeemed.setCookie);
    return c.json({ token: redeemed.token });
  });

  app.get(sessionPath, (c) => {
    const token = (c.req.header('authorization') ?? '').replace(/^Bearer /, '');
    c.header('Cache-Control', 'no-store');
    const session = admission.login.sessionOf(c.req.header('cookie'), token, port());
    return session === null ? failure(notLoggedIn) : c.json({ id: session.id });
  });

  app.get('/login', (c) => c.html(loginPage));

  app.get('*', async (c) => {
    if (!publicFiles.has(c.req.path) && !admission.login.knowsCookie(c.req.header('cookie'), port())) {
      return c.html(loginPage, 401);
    }
    return sendFile(c, rendererFolder, assetFolder);
  });
  return app;
}

function codeOf(body: Buffer): string {
  try {
    return codeBody.parse(JSON.parse(body.toString())).code;
  } catch {
    throw new CoterieError('bad-input', 'A login is JSON: {"code"}.');
  }
}

async function sendFile(c: PageContext, folder: string, assetFolder: string): Promise<Response> {
  const path = pageFileOf(folder, c.req.path);
  if (path === null) return c.notFound();
  try {
    const body = await readFile(path);
    c.header('Content-Type', contentTypeOf(path));
    // Built files carry a hash in their names and never change; the document names the newest ones.
    c.header(
      'Cache-Control',
      path.startsWith(assetFolder) ? 'public, max-age=31536000, immutable' : 'no-cache',
    );
    return c.body(new Uint8Array(body));
  } catch {
    return c.notFound();
  }
}
