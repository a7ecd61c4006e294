import { type ReactElement, useState, useSyncExternalStore } from 'react';
import { Icon } from '../design/icon.tsx';
import { texts } from '../texts.ts';

type Theme = 'light' | 'dark';

const KEY = 'ringfleet.theme';
const systemDark = (): MediaQueryList => window.matchMedia('(prefers-color-scheme: dark)');

/** Light or dark. Choosing what the system prefers anyway means following it again. */
export function ThemeToggle(): ReactElement {
  const system = useSyncExternalStore(onSystemChange, (): Theme => (systemDark().matches ? 'dark' : 'light'));
  const [chosen, setChosen] = useState(readChosen);
  const other: Theme = (chosen ?? system) === 'dark' ? 'light' : 'dark';
  const label = other === 'dark' ? texts.theme.toDark : texts.theme.toLight;

  const toggle = (): void => {
    const next = other === system ? null : other;
    setChosen(next);
    if (next) document.documentElement.dataset['theme'] = next;
    else delete document.documentElement.dataset['theme'];
    remember(next);
  };

  return (
    <button type="button" className="icon-button" title={label} aria-label={label} onClick={toggle}>
      <Icon name={other === 'dark' ? 'moon' : 'sun'} />
    </button>
  );
}

// public/theme.js has put it there before the first paint.
function readChosen(): Theme | null {
  const theme = document.documentElement.dataset['theme'];
  return theme === 'light' || theme === 'dark' ? theme : null;
}

function remember(theme: Theme | null): void {
  try {
    if (theme) localStorage.setItem(KEY, theme);
    else localStorage.removeItem(KEY);
  } catch {
    // Storage may be forbidden: the choice then holds until the page is closed.
  }
}

function onSystemChange(call: () => void): () => void {
  const query = systemDark();
  query.addEventListener('change', call);
  return () => query.removeEventListener('change', call);
}
