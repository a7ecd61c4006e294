import { checkerOf } from '@ringfleet/shared/protocol';
import { Type } from 'typebox';
import { UpdateState } from './core/update-state.ts';

const Status = Type.Object({
  fleet: Type.String(),
  device: Type.String(),
  http: Type.String(),
  isConnected: Type.Boolean(),
  generation: Type.Integer(),
  outbox: Type.Object({ rows: Type.Integer(), bytes: Type.Integer() }),
  models: Type.Array(UpdateState),
});
const check = checkerOf(Status, 'status', 'AGENT_NOT_RUNNING');

/** `ringfleet-agent status` for people. */
export function statusText(value: unknown): string {
  const { fleet, device, http, isConnected, generation, outbox, models } = check(value);
  const lines = [
    `device      ${device} of fleet ${fleet}`,
    `server      ${isConnected ? 'connected' : 'not connected'}, assignment generation ${generation}`,
    `inference   ${http}/v2`,
    `reports     ${outbox.rows} waiting (${outbox.bytes} bytes)`,
  ];
  for (const state of models) {
    const committed = state.committed ? `runs ${state.committed.version}` : 'runs nothing';
    const busy = 'job' in state ? `, ${state.phase} ${state.job.version}` : `, ${state.phase}`;
    lines.push(`model       ${state.model}: ${committed}${busy}`);
  }
  return `${lines.join('\n')}\n`;
}
