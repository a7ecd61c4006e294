import { createRootRoute, createRoute, createRouter } from '@tanstack/react-router';
import { FleetPage } from './fleet-page.tsx';
import { readFleetSearch } from './fleet-search.ts';
import { NotFound } from './shell/not-found.tsx';
import { Shell } from './shell/shell.tsx';
import { ChoosePassword } from './sign-in/choose-password.tsx';

const rootRoute = createRootRoute({ component: Shell, notFoundComponent: NotFound });

export const fleetRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  validateSearch: readFleetSearch,
  component: FleetPage,
});

const readCode = (search: Record<string, unknown>): { code: string } => ({
  code: typeof search['code'] === 'string' ? search['code'] : '',
});

const setupRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/setup',
  validateSearch: readCode,
  component: () => <ChoosePassword kind="setup" code={setupRoute.useSearch().code} />,
});

const invitationRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/invitation',
  validateSearch: readCode,
  component: () => <ChoosePassword kind="invitation" code={invitationRoute.useSearch().code} />,
});

const routeTree = rootRoute.addChildren([fleetRoute, setupRoute, invitationRoute]);

/** The page's addresses. What is filtered and sorted stands in the address, so that it can be shared. */
export function createDashboardRouter() {
  return createRouter({ routeTree, defaultPreload: false });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createDashboardRouter>;
  }
}
