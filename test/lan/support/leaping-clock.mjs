/** Loaded before a program: for its process an hour passes at once, on the clock that nobody sets, whenever it is told so. */
const hourMs = 3_600_000;
const now = performance.now.bind(performance);
let aheadMs = 0;
performance.now = () => now() + aheadMs;
process.on('SIGUSR2', () => {
  aheadMs += hourMs;
});
