import './shell.css';
import { useQuery } from '@tanstack/react-query';
import { Outlet, useLocation } from '@tanstack/react-router';
import { type ReactElement, useEffect, useState } from 'react';
import { isSignedOut } from '../api/problem.ts';
import { overviewQuery } from '../api/queries.ts';
import { useDashboard } from '../dashboard-context.ts';
import { SignIn } from '../sign-in/sign-in.tsx';
import { texts } from '../texts.ts';
import { Header } from './header.tsx';

const ENTRY: ReadonlySet<string> = new Set(['/setup', '/invitation']);

/** What surrounds every page: header, the way in, and the live connection while somebody is signed in. */
export function Shell(): ReactElement {
  const { api, clock, live } = useDashboard();
  const overview = useQuery(overviewQuery(api));
  // One-time links lead there before anybody is signed in.
  const isEntry = ENTRY.has(useLocation().pathname);
  // While it is asked again, the form stays: whoever is typing must not lose what they typed.
  const [wasOut, setWasOut] = useState(false);
  const isOut = isSignedOut(overview.error) || (wasOut && overview.isPending);
  if (isOut !== wasOut) setWasOut(isOut);
  const hasSession = overview.data !== undefined && !isOut;
  const fleet = overview.data?.fleet;
  const serverTimeMs = overview.data?.serverTimeMs;

  useEffect(() => {
    if (!hasSession) return;
    live.start();
    return () => live.stop();
  }, [hasSession, live]);

  useEffect(() => {
    if (serverTimeMs !== undefined) clock.learn(serverTimeMs);
  }, [serverTimeMs, clock]);

  useEffect(() => {
    document.title = fleet ? `${fleet} · ${texts.product}` : texts.product;
  }, [fleet]);

  return (
    <>
      <a className="skip-link" href="#content">
        {texts.skip}
      </a>
      <Header fleet={isOut ? undefined : fleet} hasSession={hasSession} />
      <main id="content" className="content" tabIndex={-1}>
        {isEntry ? <Outlet /> : isOut ? <SignIn /> : overview.isPending ? <Waiting /> : <Outlet />}
      </main>
    </>
  );
}

/** The page's shape while it is not yet known whether there is a session. */
function Waiting(): ReactElement {
  return (
    <div className="page skeletons" role="status" aria-label={texts.loading}>
      <div className="skeleton skeleton-row" />
      <div className="skeleton skeleton-block" />
      <div className="skeleton skeleton-block" />
    </div>
  );
}
