// The chosen theme, before the first paint: the program itself comes too late for that, and the content policy allows no
// script within the document. Chosen, kept and changed in src/app/theme.svelte.ts.
try {
  const choice = window.localStorage.getItem('coterie.theme');
  if (choice === 'light' || choice === 'dark') document.documentElement.dataset.theme = choice;
} catch {
  // Storage may be switched off: the system's theme, then.
}
