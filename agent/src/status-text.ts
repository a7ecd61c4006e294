import { checkerOf } from '@ringfleet/shared/protocol';
import { type Static, Type } from 'typebox';
import { UpdateState } from './core/update-state.ts';

const Status = Type.Object({
  version: Type.String(),
  fleet: Type.String(),
  device: Type.String(),
  http: Type.String(),
  socket: Type.String(),
  isConnected: Type.Boolean(),
  via: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  network: Type.Optional(
    Type.Union([
      Type.Object({ code: Type.String(), message: Type.String(), sinceMs: Type.Integer() }),
      Type.Null(),
    ]),
  ),
  generation: Type.Integer(),
  outbox: Type.Object({ rows: Type.Integer(), bytes: Type.Integer() }),
  hold: Type.Optional(Type.Union([Type.Object({ reason: Type.String() }), Type.Null()])),
  models: Type.Array(UpdateState),
});
const check = checkerOf(Status, 'status', 'AGENT_NOT_RUNNING');

/** `ringfleet-agent status` for people. */
export function statusText(value: unknown): string {
  const status = check(value);
  const { version, fleet, device, http, socket, generation, outbox, hold, models } = status;
  const lines = [
    `device      ${device} of fleet ${fleet}, agent ${version}`,
    `server      ${serverText(status)}`,
    `inference   ${http}/v2 and ${socket}`,
    `reports     ${outbox.rows === 0 ? 'all sent' : `${outbox.rows} waiting (${outbox.bytes} bytes)`}`,
    `assignment  ${generation === 0 ? 'none received yet' : `generation ${generation}`}`,
    ...(hold ? [`hold        no updates: ${hold.reason} (ringfleet-agent release ends it)`] : []),
    ...models.map((state) => `model       ${state.model}: ${modelText(state)}`),
  ];
  if (models.length === 0) lines.push('model       none assigned');
  return `${lines.join('\n')}\n`;
}

/** How the server is reached, else what stands in between. */
function serverText({ isConnected, via, network }: Static<typeof Status>): string {
  if (isConnected) return via === 'wss' ? 'connected over WebSocket' : 'connected';
  const why = network
    ? ` ${network.code} since ${new Date(network.sinceMs).toISOString()}, ${network.message};`
    : '';
  return `not connected:${why} the device goes on, its reports wait`;
}

/** Which release answers now, and what is going on beside it. */
function modelText(state: UpdateState): string {
  const committed = state.committed ? `${state.committed.version} answers` : 'nothing answers yet';
  switch (state.phase) {
    case 'empty':
      return state.isAssigned ? 'assigned, nothing installed' : 'not assigned';
    case 'idle':
      return committed;
    case 'soaking': {
      const before = state.committed ? `, ${state.committed.version} stands by` : '';
      return `${state.job.version} answers on trial (soaking)${before}`;
    }
    case 'rollingBack':
      return `going back from ${state.committed.version} to ${state.previous.version}: ${state.failure.reason} (${state.failure.code})`;
    case 'removing':
      return 'being removed: no longer assigned';
    default: {
      if (!state.waiting) return `${committed}, ${state.job.version} is ${PROGRESS[state.phase]}`;
      const { reason, code, untilMs } = state.waiting;
      const until = untilMs === undefined ? '' : `, not before ${new Date(untilMs).toISOString()}`;
      return `${committed}; ${reason} (${code}${until})`;
    }
  }
}

const PROGRESS = {
  offered: 'offered',
  downloading: 'being downloaded',
  verifying: 'being verified',
  preflight: 'being tried out',
  ready: 'ready',
  shadow: 'being compared on live requests',
  activating: 'being activated',
} as const;
