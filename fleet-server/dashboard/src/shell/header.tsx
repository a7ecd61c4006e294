import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { signOut } from '../api/client.ts';
import { overviewQuery } from '../api/queries.ts';
import { useDashboard } from '../dashboard-context.ts';
import { Icon } from '../design/icon.tsx';
import { texts } from '../texts.ts';
import { LiveBadge } from './live-badge.tsx';
import { ThemeToggle } from './theme-toggle.tsx';

export function Header({
  fleet,
  hasSession,
}: {
  fleet: string | undefined;
  hasSession: boolean;
}): ReactElement {
  return (
    <header className="header">
      <div className="header-inner">
        <Link to="/" className="brand" aria-label={fleet ? `${texts.product}, ${fleet}` : texts.product}>
          <img src="/icon.svg" width="22" height="22" alt="" />
          <span className="brand-product">{texts.product}</span>
          {fleet ? <span className="brand-fleet">{fleet}</span> : null}
        </Link>
        <div className="header-tools">
          {hasSession ? <LiveBadge /> : null}
          <ThemeToggle />
          {hasSession ? <SignOut /> : null}
        </div>
      </div>
    </header>
  );
}

function SignOut(): ReactElement {
  const { api } = useDashboard();
  const queryClient = useQueryClient();
  const leave = useMutation({
    mutationFn: signOut,
    // Whatever the answer was, the next read tells whether there still is a session; nothing of it stays in memory.
    onSettled: async () => {
      queryClient.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'overview' });
      await queryClient.resetQueries(overviewQuery(api));
    },
  });
  return (
    <button
      type="button"
      className="icon-button"
      title={texts.signOut}
      aria-label={texts.signOut}
      onClick={() => leave.mutate()}
    >
      <Icon name="leave" />
    </button>
  );
}
