/** Users and the switch, by the rules of the host, in memory. */
import type { AccessView, UserAccess } from '../../core/contract/views.ts';
import { accessUserView } from '../../core/host/access/access-service.ts';
import { systemRandom } from '../../core/platform/system-random.ts';
import {
  newUser,
  openRules,
  requireUser,
  withoutUser,
  withPasswordOf,
  withRequired,
  withRights,
  withUser,
} from '../../core/security/access.ts';
import { newToken, tokenNamed, withoutToken, withToken } from '../../core/security/access-tokens.ts';
import { rightsOf, rightsToStore } from '../../core/security/stored-rights.ts';

interface Input {
  readonly name: string;
  readonly required: boolean;
  readonly user: string;
  readonly id: string;
  readonly days?: number;
  readonly access?: UserAccess;
  readonly keyspaces?: string[] | null;
}

export class FakeAccess {
  #rules = openRules;

  /** Passwords are made only where somebody asks for one: it takes its time. */
  give(names: readonly string[], required = true): void {
    const users = names.map((name) => ({
      ...{ name, createdAtMs: Date.now(), salt: '00'.repeat(16), hash: '00'.repeat(32), version: 0 },
    }));
    this.#rules = { ...openRules, required, users };
  }

  view(): AccessView {
    const { required, users } = this.#rules;
    return { required, users: users.map(accessUserView) };
  }

  async answer(method: string, input: Input): Promise<unknown> {
    const { name, required } = input;
    switch (method) {
      case 'access.tokens':
        return this.#rules.tokens.map(({ hash: _, userSinceMs: __, version: ___, ...token }) => ({
          ...token,
          expired: false,
          usedAtMs: null,
        }));
      case 'access.createToken': {
        const createdAtMs = Date.now();
        const expiresAtMs = input.days === undefined ? null : createdAtMs + input.days * 86_400_000;
        const wish = { user: input.user, name, createdAtMs, expiresAtMs };
        const { stored, token } = newToken(this.#rules, wish, systemRandom);
        this.#rules = withToken(this.#rules, stored);
        return { id: stored.id, user: input.user, token };
      }
      case 'access.revokeToken':
        this.#rules = withoutToken(this.#rules, tokenNamed(this.#rules, input.id));
        return {};
      case 'access.addUser': {
        const { user, password } = await newUser(name, Date.now(), systemRandom);
        const rights = rightsToStore({ access: input.access!, keyspaces: input.keyspaces ?? null });
        this.#rules = withUser(this.#rules, { ...user, ...rights });
        return { name, password };
      }
      case 'access.renewPassword': {
        const { user, password } = await newUser(name, Date.now(), systemRandom);
        this.#rules = withPasswordOf(this.#rules, user);
        return { name, password };
      }
      case 'access.changeUser': {
        const { access, keyspaces } = rightsOf(requireUser(this.#rules, name));
        this.#rules = withRights(this.#rules, name, {
          access: input.access ?? access,
          keyspaces: input.keyspaces === undefined ? keyspaces : input.keyspaces,
        });
        return {};
      }
      case 'access.removeUser':
        this.#rules = withoutUser(this.#rules, name);
        return {};
      case 'access.require':
        this.#rules = withRequired(this.#rules, required);
        return {};
      default:
        return this.view();
    }
  }
}
