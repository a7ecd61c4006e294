import { lookUpCode } from '@ringfleet/shared/errors';
import { checkerOf } from '@ringfleet/shared/protocol';
import { type Static, Type } from 'typebox';
import { type ModelStory, storyOf } from './core/model-story.ts';
import { wordsOf } from './core/model-watch.ts';
import { isBusy, UpdateState } from './core/update-state.ts';
import { verdictOf } from './core/verdict.ts';

const Watch = Type.Object({
  degraded: Type.Integer(),
  alarms: Type.Optional(
    Type.Array(
      Type.Object({
        kind: Type.String(),
        name: Type.Optional(Type.String()),
        value: Type.Number(),
        limit: Type.Number(),
        samples: Type.Optional(Type.Integer()),
        ageMs: Type.Number(),
      }),
    ),
  ),
  features: Type.Array(
    Type.Object({
      name: Type.String(),
      violations: Type.Optional(Type.Record(Type.String(), Type.Integer())),
      drift: Type.Optional(Type.Object({ value: Type.Number(), samples: Type.Integer() })),
    }),
  ),
});
const Ms = Type.Union([Type.Integer(), Type.Null()]);
const Status = Type.Object({
  version: Type.String(),
  fleet: Type.String(),
  device: Type.String(),
  http: Type.String(),
  socket: Type.String(),
  isConnected: Type.Boolean(),
  via: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  generation: Type.Integer(),
  outbox: Type.Object({ rows: Type.Integer(), bytes: Type.Integer() }),
  disk: Type.Optional(
    Type.Union([Type.Object({ message: Type.String(), sinceMs: Type.Integer() }), Type.Null()]),
  ),
  hold: Type.Optional(Type.Union([Type.Object({ reason: Type.String() }), Type.Null()])),
  network: Type.Optional(
    Type.Union([Type.Object({ code: Type.String(), message: Type.String() }), Type.Null()]),
  ),
  /** What the agent takes for the time. */
  nowMs: Type.Optional(Type.Integer()),
  contact: Type.Optional(Type.Object({ lastMs: Ms, nextMs: Ms })),
  clock: Type.Optional(Type.Object({ signedAtMs: Ms, systemAheadMs: Type.Integer() })),
  providers: Type.Optional(Type.Record(Type.String(), Type.String())),
  watch: Type.Optional(Type.Record(Type.String(), Watch)),
  models: Type.Array(UpdateState),
});
const check = checkerOf(Status, 'status', 'AGENT_NOT_RUNNING');

/** What `status --json` says beside the agent's own words: a story per model, and the verdict. */
export function explained(value: unknown): {
  readonly stories: readonly (ModelStory & { provider: string | null })[];
  readonly verdict: string;
} {
  const { models, providers = {}, isConnected, hold, disk } = check(value);
  const stories = models.map((state) => ({
    ...storyOf(state),
    provider: providers[state.model] ?? null,
  }));
  return { stories, verdict: verdictOf({ isConnected, isHeld: Boolean(hold), isWritable: !disk, stories }) };
}

/** `ringfleet-agent status` for people: what runs, since when, why, what next. */
export function statusText(value: unknown): string {
  const status = check(value);
  const { version, fleet, device, http, socket, generation, outbox, hold } = status;
  const { nowMs = Date.now() } = status;
  const { stories, verdict } = explained(value);
  const lines = [
    `device      ${device} of fleet ${fleet}, agent ${version}`,
    `server      ${serverText(status, nowMs)}`,
    ...(status.clock ? [`clock       ${clockText(status.clock, nowMs)}`] : []),
    `inference   ${http}/v2 and ${socket}`,
    `reports     ${outbox.rows === 0 ? 'all sent' : `${outbox.rows} waiting (${outbox.bytes} bytes)`}`,
    `assignment  ${generation === 0 ? 'none received yet' : `generation ${generation}`}`,
    ...(status.disk ? diskLines(status.disk, nowMs) : []),
    ...(hold ? [`hold        no updates: ${hold.reason} (ringfleet-agent release ends it)`] : []),
    ...stories.flatMap((story, i) => [
      ...modelLines(story, status.models[i], nowMs),
      ...watchLines(status.watch?.[story.model]),
    ]),
    ...(stories.length === 0 ? ['model       none assigned'] : []),
    `verdict     ${verdict}`,
  ];
  return `${lines.join('\n')}\n`;
}

type StatusFields = ReturnType<typeof check>;

function serverText({ isConnected, via, network, contact }: StatusFields, nowMs: number): string {
  const next = contact?.nextMs == null ? '' : `, next look ${at(contact.nextMs, nowMs)}`;
  if (isConnected) return `connected${next}`;
  if (via === 'https')
    return `connected by HTTP only${network ? ` (${network.code}: ${network.message})` : ''}${next}`;
  const last = contact?.lastMs == null ? '' : `, last heard ${at(contact.lastMs, nowMs)}`;
  const why = network ? ` (${network.code}: ${network.message})` : '';
  return `not connected: the device goes on, its reports wait${last}${next}${why}`;
}

function diskLines({ message, sinceMs }: NonNullable<StatusFields['disk']>, nowMs: number): string[] {
  const remedy = lookUpCode('STATE_NOT_WRITABLE')?.remedy ?? '';
  return [`disk        takes no writes since ${at(sinceMs, nowMs)}: ${message}`, `  to do     ${remedy}`];
}

function clockText({ signedAtMs, systemAheadMs }: NonNullable<StatusFields['clock']>, nowMs: number): string {
  const off = Math.abs(systemAheadMs) < 60_000 ? '' : `; the system's clock is ${span(systemAheadMs)} off`;
  if (signedAtMs === null) return `not confirmed by the server since this start${off}`;
  return `confirmed by the server ${at(signedAtMs, nowMs)}${off}`;
}

function modelLines(
  { model, version, variant, sinceMs, why, next, code, provider }: ModelStory & { provider: string | null },
  state: UpdateState | undefined,
  nowMs: number,
): string[] {
  const what = [variant, provider ? `on ${provider}` : ''].filter(Boolean).join(' ');
  const since = sinceMs === null ? '' : `, since ${at(sinceMs, nowMs)}`;
  const remedy = code === null ? undefined : lookUpCode(code)?.remedy;
  const until = state && isBusy(state) ? state.waiting?.untilMs : undefined;
  const notBefore = until === undefined ? '' : `, not before ${at(until, nowMs)}`;
  return [
    `model       ${model}: ${version === null ? 'nothing answers' : `${version} answers (${what})${since}`}`,
    `  why       ${why}`,
    ...(next === null ? [] : [`  next      ${next}${notBefore}`]),
    ...(remedy ? [`  to do     ${remedy}`] : []),
  ];
}

const watchLines = (watch: Static<typeof Watch> | undefined): string[] =>
  watch ? wordsOf(watch).map((words) => `  data      ${words}`) : [];

/** `2026-03-01 10:00:00 UTC (2 h ago)` */
function at(ms: number, nowMs: number): string {
  const when = new Date(ms).toISOString().replace('T', ' ').slice(0, 19);
  return `${when} UTC (${ms > nowMs ? `in ${span(ms - nowMs)}` : `${span(nowMs - ms)} ago`})`;
}

function span(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} days`;
}
