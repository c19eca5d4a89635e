/**
 * Light, dark or as the system has it; kept in this browser. The styles follow the system by themselves; a choice is an
 * attribute of the document, which public/theme.js has set before the first paint.
 */
export const themeChoices = ['system', 'light', 'dark'] as const;
export type ThemeChoice = (typeof themeChoices)[number];

/** As in public/theme.js. */
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
    });
    const { theme } = document.documentElement.dataset;
    this.choice = themeChoices.find((choice) => choice === theme) ?? 'system';
  }

  choose(choice: ThemeChoice): void {
    this.choice = choice;
    try {
      window.localStorage.setItem(storageKey, choice);
    } catch {
      // Storage may be switched off: the choice lasts as long as the page.
    }
    const { dataset } = document.documentElement;
    if (choice === 'system') delete dataset.theme;
    else dataset.theme = choice;
  }
}
