export const AGENT_VERSION = '0.1.0';

/** Set by the build, epoch ms. */
declare const __RINGFLEET_BUILD_MS__: number | undefined;

/** When this program was built: it was never earlier than that (DESIGN §4 "Trusted now"). From sources: the year's begin. */
export const BUILD_MS =
  typeof __RINGFLEET_BUILD_MS__ === 'number' ? __RINGFLEET_BUILD_MS__ : Date.UTC(2026, 0, 1);
