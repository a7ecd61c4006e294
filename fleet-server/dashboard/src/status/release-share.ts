import { compareVersions } from '../devices/device-rows.ts';
import type { Overview } from '../views.ts';

export interface ReleaseShare {
  readonly version: string;
  readonly devices: number;
}
export interface ModelShares {
  readonly model: string;
  /** Newest version first. */
  readonly releases: readonly ReleaseShare[];
  readonly devices: number;
}

/** Which releases run where, a line per model. */
export function sharesByModel(releases: Overview['releases']): ModelShares[] {
  const models = new Map<string, ReleaseShare[]>();
  for (const { model, version, devices } of releases) {
    if (devices > 0) models.set(model, [...(models.get(model) ?? []), { version, devices }]);
  }
  return [...models]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([model, shares]) => ({
      model,
      releases: shares.sort((a, b) => compareVersions(b.version, a.version)),
      devices: shares.reduce((sum, { devices }) => sum + devices, 0),
    }));
}
