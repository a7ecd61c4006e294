import { createRootRoute, createRoute, createRouter } from '@tanstack/react-router';
import { FleetPage } from './fleet-page.tsx';
import { readFleetSearch } from './fleet-search.ts';
import { NotFound } from './shell/not-found.tsx';
import { Shell } from './shell/shell.tsx';

const rootRoute = createRootRoute({ component: Shell, notFoundComponent: NotFound });

export const fleetRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  validateSearch: readFleetSearch,
  component: FleetPage,
});

const routeTree = rootRoute.addChildren([fleetRoute]);

/** The page's addresses. What is filtered and sorted stands in the address, so that it can be shared. */
export function createDashboardRouter() {
  return createRouter({ routeTree, defaultPreload: false });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createDashboardRouter>;
  }
}
