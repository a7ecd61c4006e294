import type { ReactElement } from 'react';

/** A sentence of the server, with what it puts between backticks shown as code. */
export function WithCode({ text }: { text: string }): ReactElement {
  const parts = text.split('`').map((part, n) => ({ part, key: `${n} ${part}`, isCode: n % 2 === 1 }));
  return <>{parts.map(({ part, key, isCode }) => (isCode ? <code key={key}>{part}</code> : part))}</>;
}
