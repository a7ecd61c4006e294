import { isBusy, type UpdateState } from './core/update-state.ts';

const MAX_MODELS = 4;

/** What the service manager shows of the agent: who it is, what answers, whether the server is reached. */
export function statusLine(agent: {
  readonly fleet: string;
  readonly device: string;
  readonly isConnected: boolean;
  /** Whether the server answers over HTTP while there is no MQTT. */
  readonly isHeard: boolean;
  /** What the last try met. */
  readonly fault: string | null;
  /** Whether the state folder takes writes. */
  readonly isWritable: boolean;
  readonly models: readonly UpdateState[];
}): string {
  const known = agent.models.filter((state) => state.phase !== 'empty' || state.isAssigned);
  const shown = known.slice(0, MAX_MODELS).map(modelWords);
  if (known.length > MAX_MODELS) shown.push(`${known.length - MAX_MODELS} more`);
  const disk = agent.isWritable ? '' : 'disk takes no writes; ';
  return `${agent.device} of ${agent.fleet}: ${shown.join(', ') || 'no model assigned'}; ${disk}${linkWords(agent)}`;
}

function linkWords({ isConnected, isHeard, fault }: Parameters<typeof statusLine>[0]): string {
  if (isConnected) return 'connected';
  const why = fault === null ? '' : ` (${fault})`;
  return isHeard ? `connected by HTTP only${why}` : `server not reached${why}, reports wait`;
}

function modelWords(state: UpdateState): string {
  const now = state.committed?.version ?? 'none';
  const next = isBusy(state) ? ` (${state.job.version} ${state.phase})` : '';
  return `${state.model} ${now}${next || (state.phase === 'rollingBack' ? ' (rolling back)' : '')}`;
}
