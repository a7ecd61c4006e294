import type { Topic } from '../api/queries.ts';
import type { FleetEvent } from '../views.ts';

/** What must be read again after an event of each kind. */
export function topicsOf(kind: FleetEvent['kind']): readonly Topic[] {
  switch (kind) {
    case 'device':
      return ['devices', 'overview', 'rings'];
    case 'state':
      return ['devices', 'overview', 'rollouts'];
    case 'rollout':
      return ['rollouts', 'overview', 'devices', 'rings'];
    case 'ring':
      return ['rings', 'devices', 'overview'];
    case 'release':
      return ['overview'];
    default:
      return ['overview'];
  }
}
