import { createContext, useContext } from 'react';
import type { Api } from './api/client.ts';
import type { Clock } from './live/clock.ts';
import type { LiveConnection } from './live/live-connection.ts';

/** What main.tsx builds once and every part of the page may use. */
export interface Dashboard {
  readonly api: Api;
  readonly clock: Clock;
  readonly live: LiveConnection;
}

export const DashboardContext = createContext<Dashboard | null>(null);

export function useDashboard(): Dashboard {
  const dashboard = useContext(DashboardContext);
  if (!dashboard) throw new Error('rendered outside of DashboardContext');
  return dashboard;
}
