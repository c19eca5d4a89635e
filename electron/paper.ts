/**
 * The page's own background in the light and in the dark, for the window before its first paint. As `--paper` in
 * renderer/src/styles/tokens.css, which only the page can read; a test holds the two together.
 */
export const paper = { light: '#f6f5f1', dark: '#0e1014' } as const;
