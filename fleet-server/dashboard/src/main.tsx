import './design/tokens.css';
import './design/base.css';
import './design/controls.css';
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { createApi } from './api/client.ts';
import { isSignedOut } from './api/problem.ts';
import { overviewQuery } from './api/queries.ts';
import { DashboardContext } from './dashboard-context.ts';
import { createClock } from './live/clock.ts';
import { createFeed } from './live/feed.ts';
import { createDashboardRouter } from './router.tsx';

/** Wiring only: builds what lives as long as the page and joins it. */
const api = createApi();
const clock = createClock();
const queryClient: QueryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What a person can mend (401, 404) is shown at once; a lost line is tried again.
      retry: (failures, err) => !isSignedOut(err) && failures < 2,
    },
  },
  queryCache: new QueryCache({
    onError: (err, query) => {
      // Any refused read means that the session is over: the overview decides what the whole page shows.
      if (isSignedOut(err) && query.queryKey[0] !== 'overview')
        void queryClient.invalidateQueries(overviewQuery(api));
    },
  }),
});
const live = createFeed(queryClient);
const router = createDashboardRouter();

const host = document.getElementById('app');
if (!host) throw new Error('index.html has no #app');
createRoot(host).render(
  <StrictMode>
    <DashboardContext value={{ api, clock, live }}>
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </DashboardContext>
  </StrictMode>,
);
