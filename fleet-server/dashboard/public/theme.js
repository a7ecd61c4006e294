// Runs before the first paint, so that a chosen theme never flashes. Without a choice the system's preference holds.
try {
  const theme = localStorage.getItem('ringfleet.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden; the system's preference is a good answer then.
}
