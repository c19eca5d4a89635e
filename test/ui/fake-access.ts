/** Users and the switch, by the rules of the host, in memory. */
import { systemRandom } from '../../core/platform/system-random.ts';
import {
  newUser,
  openRules,
  requireUser,
  withoutUser,
  withRequired,
  withUser,
} from '../../core/security/access.ts';

export class FakeAccess {
  #rules = openRules;

  async answer(method: string, { name, required }: { name: string; required: boolean }): Promise<unknown> {
    switch (method) {
      case 'access.addUser':
      case 'access.renewPassword': {
        const isNew = method === 'access.addUser';
        if (!isNew) requireUser(this.#rules, name);
        const { user, password } = await newUser(name, Date.now(), systemRandom);
        const others = {
          ...this.#rules,
          users: this.#rules.users.filter((other) => isNew || other.name !== name),
        };
        this.#rules = withUser(others, user);
        return { name, password };
      }
      case 'access.removeUser':
        this.#rules = withoutUser(this.#rules, name);
        return {};
      case 'access.require':
        this.#rules = withRequired(this.#rules, required);
        return {};
      default:
        return {
          required: this.#rules.required,
          users: this.#rules.users.map((user) => ({ name: user.name, createdAtMs: user.createdAtMs })),
        };
    }
  }
}
