// The login page's program. A login link carries its one-time code after `#`, which stays in this browser; it is handed over
// once, and the token that comes back is kept for this origin, under the name in core/contract/session.ts. Whoever comes to
// the page by a link from elsewhere is logged in already, though that request had no cookie: such a visitor is let through.
const tokenKey = 'coterie.session';
const words = document.getElementById('words');

async function redeem(code) {
  // Not kept in the history of this browser, used or not.
  window.history.replaceState(null, '', window.location.pathname);
  const answer = await fetch('/session', { method: 'POST', body: JSON.stringify({ code }) });
  const { token, error } = await answer.json();
  if (!answer.ok) {
    words.textContent = error.message;
    return;
  }
  window.localStorage.setItem(tokenKey, token);
  window.location.replace('/');
}

async function letThrough() {
  const token = window.localStorage.getItem(tokenKey);
  if (token === null || window.location.search === '?here') return;
  const answer = await fetch('/session', { headers: { Authorization: `Bearer ${token}` } });
  if (answer.ok) window.location.replace(`/?here${window.location.hash}`);
}

const code = new URLSearchParams(window.location.hash.slice(1)).get('code');
(code === null ? letThrough() : redeem(code)).catch(() => {
  words.textContent =
    'This browser could not log in. Allow this page to keep data, and see that Coterie is running; then run coterie login.';
});
