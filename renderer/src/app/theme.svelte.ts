/** Light, dark or as the system has it; kept in this browser. */
export const themeChoices = ['system', 'light', 'dark'] as const;
export type ThemeChoice = (typeof themeChoices)[number];

const storageKey = 'coterie.theme';

export class Theme {
  choice = $state<ThemeChoice>('system');
  #systemDark = $state(false);
  readonly resolved = $derived(
    this.choice === 'system' ? (this.#systemDark ? 'dark' : 'light') : this.choice,
  );

  constructor() {
    const query = window.matchMedia('(prefers-color-scheme: dark)');
    this.#systemDark = query.matches;
    query.addEventListener('change', () => {
      this.#systemDark = query.matches;
      this.#show();
    });
    this.choice = themeChoices.find((choice) => choice === this.#stored()) ?? 'system';
    this.#show();
  }

  choose(choice: ThemeChoice): void {
    this.choice = choice;
    try {
      window.localStorage.setItem(storageKey, choice);
    } catch {
      // Storage may be switched off: the choice lasts as long as the page.
    }
    this.#show();
  }

  #stored(): string | null {
    try {
      return window.localStorage.getItem(storageKey);
    } catch {
      return null;
    }
  }

  #show(): void {
    document.documentElement.dataset.theme = this.resolved;
  }
}
