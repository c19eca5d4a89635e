/** Commands about the connection itself: PING, HELLO, AUTH, SELECT, RESET, QUIT. */
import { isWord, readInteger, word } from '../arguments.ts';
import { type Command, defineCommand, needs } from '../command.ts';
import { CommandError, errorTexts, wrongArity } from '../errors.ts';
import { defaultUser } from '../identity.ts';
import { checkKeyspace } from '../permissions.ts';
import type { Request } from '../request.ts';
import { redisVersion } from '../version.ts';
import { setClientName } from './client.ts';

function ping(request: Request): void {
  const { argv } = request;
  if (argv.length > 2) throw new CommandError(wrongArity('ping'));
  if (request.sink.client?.listensOnly === true) {
    // A message's shape, so that whoever reads messages can read it.
    const encoder = request.begin();
    encoder.array(2);
    encoder.text('pong');
    encoder.bulk(argv[1] ?? Buffer.alloc(0));
    request.end();
    return;
  }
  if (argv.length === 2) {
    request.bulk(argv[1]);
    return;
  }
  request.begin().simple('PONG');
  request.end();
}

function echo(request: Request): void {
  request.bulk(request.argv[1]);
}

function quit(request: Request): void {
  request.ok();
  request.sink.client!.closeAfterReply();
}

function reset(request: Request): void {
  request.sink.client!.reset();
  request.begin().simple('RESET');
  request.end();
}

function select(request: Request): void {
  const found = request.session.keyspaceOfDatabase(Number(readInteger(request.argv[1])));
  if (found === null) throw new CommandError(errorTexts.databaseOutOfRange);
  checkKeyspace(request, found);
  request.session.selectKeyspace(found.id);
  request.ok();
}

function auth(request: Request): void {
  const { argv, gateway, sink } = request;
  if (argv.length > 3) throw new CommandError(errorTexts.syntax);
  const { logins } = gateway;
  if (argv.length === 2 && !logins.required && logins.stampOf(defaultUser) === null) {
    throw new CommandError(errorTexts.passwordless);
  }
  const user = argv.length === 3 ? argv[1].toString('utf8') : null;
  const answer = request.onAnswer((isRight: boolean) => {
    if (!isRight) throw new CommandError(errorTexts.wrongPassword);
    request.ok();
  });
  sink.client!.identity.logIn(user, argv[argv.length - 1], answer);
}

const wordAuth = word('auth');
const wordSetname = word('setname');

function hello(request: Request): void {
  const { argv, session, sink } = request;
  const client = sink.client!;
  let protocol = session.protocol;
  let credentials: { user: string; password: Buffer } | null = null;
  let name: Buffer | null = null;
  if (argv.length > 1) {
    const wanted = readInteger(argv[1], 'ERR Protocol version is not an integer or out of range');
    if (wanted !== 2 && wanted !== 3) throw new CommandError('NOPROTO unsupported protocol version');
    protocol = wanted;
    for (let index = 2; index < argv.length; index++) {
      const left = argv.length - 1 - index;
      if (isWord(argv[index], wordAuth) && left >= 2) {
        credentials = { user: argv[index + 1].toString('utf8'), password: argv[index + 2] };
        index += 2;
      } else if (isWord(argv[index], wordSetname) && left >= 1) {
        name = argv[index + 1];
        index += 1;
      } else {
        throw new CommandError(`ERR Syntax error in HELLO option '${argv[index].toString('utf8', 0, 128)}'`);
      }
    }
  }
  const greet = (): void => {
    if (client.identity.user === '') throw new CommandError(errorTexts.helloBeforeLogin);
    if (name !== null) setClientName(client, name);
    session.protocol = protocol;
    answerHello(request, client.id);
  };
  if (credentials === null) {
    greet();
    return;
  }
  const answer = request.onAnswer((isRight: boolean) => {
    if (!isRight) throw new CommandError(errorTexts.wrongPassword);
    greet();
  });
  client.identity.logIn(credentials.user, credentials.password, answer);
}

function answerHello(request: Request, clientId: number): void {
  const { gateway, session } = request;
  const encoder = request.begin();
  encoder.map(7);
  encoder.text('server');
  encoder.text('redis');
  encoder.text('version');
  encoder.text(redisVersion);
  encoder.text('proto');
  encoder.integer(session.protocol);
  encoder.text('id');
  encoder.integer(clientId);
  encoder.text('mode');
  encoder.text(gateway.store.endpoints().length > 1 ? 'cluster' : 'standalone');
  encoder.text('role');
  encoder.text('master');
  encoder.text('modules');
  encoder.array(0);
  request.end();
}

/** A browser made to speak to this port by a hostile page says POST or Host: first; the rest must not be run. */
function refuseHttp(request: Request): void {
  const client = request.sink.client!;
  request.gateway.log.warn('client closed: HTTP was spoken to the Redis port', {
    address: client.remoteAddress,
  });
  client.kill();
  request.ok();
}

const group = 'connection';
const free = { kind: 'free', need: needs.nothing } as const;

export const connectionCommands: readonly Command[] = [
  defineCommand(group, 'ping', -1, ['fast', 'stale'], ping, free),
  defineCommand(group, 'echo', 2, ['fast', 'stale'], echo, free),
  defineCommand(group, 'quit', -1, ['fast', 'no_auth', 'stale'], quit),
  defineCommand(group, 'reset', 1, ['fast', 'no_auth', 'stale'], reset),
  defineCommand(group, 'select', 2, ['fast', 'stale'], select, { need: needs.nothing }),
  defineCommand(group, 'auth', -2, ['fast', 'no_auth', 'stale'], auth),
  defineCommand(group, 'hello', -1, ['fast', 'no_auth', 'stale'], hello),
  defineCommand(group, 'post', -1, ['no_auth'], refuseHttp),
  defineCommand(group, 'host:', -1, ['no_auth'], refuseHttp),
];
