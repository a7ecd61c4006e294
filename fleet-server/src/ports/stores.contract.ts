import { createHash } from 'node:crypto';
import type { Envelope, Hello, StateReport, Telemetry } from '@ringfleet/shared/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Release, Rollout } from '../core/domain.ts';
import type { Change, Stores } from './stores.ts';

export const NOW_MS = Date.parse('2030-01-01T00:00:00Z');
export const CHANGE: Change = {
  by: { kind: 'person', name: 'ada', role: 'admin' },
  atMs: NOW_MS,
};
export const JOURNAL = '01980000-0000-7000-8000-00000000000a';
export const DIGEST_1 = `sha256:${'1'.repeat(64)}`;
export const DIGEST_2 = `sha256:${'2'.repeat(64)}`;
export const running = (digest: string) => ({
  version: digest === DIGEST_1 ? '1.0.0' : '1.1.0',
  digest,
  variant: 'int8-cpu',
});

const CAPABILITIES = {
  agentVersion: '0.1.0',
  arch: 'x64',
  os: 'linux',
  hostname: 'h',
  cpus: 1,
  memoryBytes: 1,
  diskFreeBytes: 1,
  runtime: { name: 'ort', version: '1.30.0' },
  providers: [],
};

export const helloOf = (changes: Partial<Hello> = {}): Hello => ({
  v: 1,
  at: NOW_MS,
  journal: JOURNAL,
  start: 1,
  instance: '01980000-0000-7000-8000-0000000000b1',
  capabilities: CAPABILITIES,
  generation: 0,
  models: [],
  oldest: { state: 0, event: 0, tele: 0 },
  ...changes,
});

export const report = (
  stream: 'state' | 'event' | 'tele',
  seq: number,
  body: unknown,
  more: { start?: number; at?: number; journal?: string } = {},
): Envelope => ({
  v: 1,
  id: { journal: more.journal ?? JOURNAL, start: more.start ?? 1, stream, seq },
  at: more.at ?? NOW_MS + seq,
  body,
});

export const stateBody = (changes: Partial<StateReport> = {}): StateReport => ({
  model: 'tiny',
  phase: 'idle',
  from: 'soaking',
  generation: 1,
  attempt: 1,
  release: { version: '1.0.0', digest: DIGEST_1 },
  running: running(DIGEST_1),
  isCommitted: true,
  since: NOW_MS,
  ...changes,
});

export const eventBody = (message = 'the runner ended') => ({
  kind: 'runnerExit',
  severity: 'warning',
  code: 'RUNNER_EXIT',
  message,
});

export const teleBody = (digest = DIGEST_1, answers = 10, isCommitted = true): Telemetry => ({
  from: NOW_MS,
  to: NOW_MS + 1,
  device: { uptimeMs: 1, rssBytes: 1, cpuMs: 1, memoryFreeBytes: 1, diskFreeBytes: 1, load1: 0 },
  outbox: { rows: 0, bytes: 0, dropped: 0 },
  models: [
    {
      model: 'tiny',
      phase: 'idle',
      running: running(digest),
      isCommitted,
      answers,
      failures: 0,
      rejected: 0,
      fallbacks: 0,
      runnerRestarts: 0,
      latencyUs: [],
      features: [],
    },
  ],
});

export const releaseOf = (version = '1.0.0', digest = DIGEST_1): Release => ({
  model: 'tiny',
  version,
  digest,
  sizeBytes: 10,
  variants: ['int8-cpu'],
  description: '',
  publishedAtMs: NOW_MS,
  publishedBy: 'ada',
  yankedAtMs: null,
});

const SOAK = { soakMs: 1, minInferences: 1, deadlineMs: 2 };

export const rolloutOf = (id: string, ring = 'canary'): Rollout => ({
  id,
  model: 'tiny',
  version: '1.0.0',
  digest: DIGEST_1,
  state: 'running',
  reason: null,
  reasonCode: null,
  soak: SOAK,
  rings: [
    {
      plan: {
        ring,
        bakeMs: 1,
        minProven: 1,
        minExercised: 1,
        maxFailureBasisPoints: 0,
        minExecuted: 1,
        maxFailures: 0,
        deadlineMs: 1,
        needsApproval: false,
        onFailure: 'pause',
      },
      state: 'open',
      openedAtMs: null,
      closedAtMs: null,
      previous: null,
      gate: null,
    },
  ],
  createdAtMs: NOW_MS,
  createdBy: 'ada',
  endedAtMs: null,
  revision: 1,
});

export async function enrolled(stores: Stores, id = 'edge-1'): Promise<void> {
  const secretHash = createHash('sha256').update(`secret of ${id}`).digest('hex');
  const token = { name: id, secretHash, labels: { site: 'a' }, uses: 1, expiresAtMs: NOW_MS + 1 };
  await stores.tokens.createEnrollment(token, CHANGE);
  const request = { id, secretHash, certSerial: `serial-${id}`, notAfterMs: NOW_MS, capabilities: null };
  await stores.devices.enroll(request, CHANGE);
}

/** What every implementation of the stores must do. `make` gives empty stores; `dispose` is called after each test. */
export function describeStores(
  name: string,
  make: () => Promise<{ stores: Stores; dispose: () => Promise<void> }>,
): void {
  describe(`Stores: ${name}`, () => {
    let stores: Stores;
    let dispose: () => Promise<void>;
    beforeEach(async () => {
      ({ stores, dispose } = await make());
    });
    afterEach(() => dispose());

    describe('devices', () => {
      it('admits as many devices as the token says, once each, with its labels', async () => {
        const token = {
          name: 't',
          secretHash: 'aa',
          labels: { site: 'a' },
          uses: 2,
          expiresAtMs: NOW_MS + 1,
        };
        await stores.tokens.createEnrollment(token, CHANGE);
        const enroll = (id: string, secretHash = 'aa', atMs = NOW_MS) =>
          stores.devices.enroll(
            { id, secretHash, certSerial: `s-${id}`, notAfterMs: NOW_MS, capabilities: null },
            { ...CHANGE, atMs },
          );
        expect(await enroll('one')).toMatchObject({ id: 'one', labels: { site: 'a' }, status: 'active' });
        await expect(enroll('one')).rejects.toMatchObject({ code: 'DEVICE_EXISTS' });
        await expect(enroll('x', 'bb')).rejects.toMatchObject({ code: 'TOKEN_UNKNOWN' });
        await expect(enroll('x', 'aa', NOW_MS + 1)).rejects.toMatchObject({ code: 'TOKEN_EXPIRED' });
        await enroll('two');
        await expect(enroll('three')).rejects.toMatchObject({ code: 'TOKEN_USED_UP' });
        expect((await stores.devices.all()).map((device) => device.id)).toEqual(['one', 'two']);
        expect(await stores.devices.isCertificateValid('one', 's-one')).toBe(true);
        expect(await stores.devices.isCertificateValid('one', 's-two')).toBe(false);
      });

      it('lists page by page and finds by id and label', async () => {
        for (const id of ['a-1', 'a-2', 'b_1']) await enrolled(stores, id);
        const first = await stores.devices.list({ limit: 2 });
        expect(first.items.map((device) => device.id)).toEqual(['a-1', 'a-2']);
        const second = await stores.devices.list({ limit: 2, cursor: first.next ?? '' });
        expect(second).toMatchObject({ items: [{ id: 'b_1' }], next: null });
        expect((await stores.devices.list({ limit: 9, search: '_' })).items).toHaveLength(1);
      });

      it('takes a restart for a restart and a second live instance for a clone', async () => {
        await enrolled(stores);
        const other = '01980000-0000-7000-8000-0000000000b2';
        expect(await stores.devices.hello('edge-1', helloOf({ start: 4 }), NOW_MS)).toBe('ok');
        await stores.devices.setConnected('edge-1', true, NOW_MS);
        const restart = helloOf({ start: 5, instance: other, generation: 3 });
        expect(await stores.devices.hello('edge-1', restart, NOW_MS)).toBe('ok');
        expect(await stores.devices.get('edge-1')).toMatchObject({ status: 'active', acceptedGeneration: 3 });

        expect(await stores.devices.hello('edge-1', helloOf({ start: 4 }), NOW_MS)).toBe('clone');
        expect(await stores.devices.hello('edge-1', helloOf({ start: 4 }), NOW_MS)).toBe('clone');
        expect(await stores.devices.get('edge-1')).toMatchObject({ status: 'cloned', acceptedGeneration: 3 });
        const alarms = (await stores.events.after(0, 99)).filter((event) => event.code === 'CLONED_DEVICE');
        expect(alarms).toHaveLength(1);
      });

      it('takes even a higher start for a clone when the known instance has just answered', async () => {
        await enrolled(stores);
        await stores.devices.hello('edge-1', helloOf({ start: 4 }), NOW_MS);
        const copy = helloOf({ start: 5, instance: '01980000-0000-7000-8000-0000000000b2' });
        expect(await stores.devices.hello('edge-1', copy, NOW_MS, true)).toBe('clone');
        expect(await stores.devices.hello('edge-1', helloOf({ start: 4 }), NOW_MS)).toBe('ok');
        expect(await stores.devices.get('edge-1')).toMatchObject({ status: 'cloned' });
      });

      it('takes a hello that was carried by hand, unless it knows a newer one, and sees no clone in it', async () => {
        await enrolled(stores);
        const carry = (changes: Partial<Hello>) => {
          const instance = `01980000-0000-7000-8000-0000000000b${changes.start ?? 1}`;
          return stores.devices.carriedHello('edge-1', helloOf({ instance, ...changes }), NOW_MS);
        };
        expect(await carry({ start: 2, generation: 3 })).toBe('stored');
        expect(await carry({ start: 1 })).toBe('older');
        expect(await carry({ start: 2, generation: 2 })).toBe('older');
        expect(await carry({ start: 3, generation: 4 })).toBe('stored');
        const newDisk = '01980000-0000-7000-8000-00000000000c';
        expect(await carry({ journal: newDisk, at: NOW_MS - 1 })).toBe('older');
        expect(await stores.devices.get('edge-1')).toMatchObject({ status: 'active', acceptedGeneration: 4 });
        expect(await carry({ journal: newDisk, at: NOW_MS + 1 })).toBe('stored');
      });

      it('tells of a connection once', async () => {
        await enrolled(stores);
        for (const flag of [true, true, false]) await stores.devices.setConnected('edge-1', flag, NOW_MS);
        const codes = (await stores.events.after(0, 99)).map((event) => event.code);
        expect(codes).toEqual(['DEVICE_ENROLLED', 'DEVICE_CONNECTED', 'DEVICE_DISCONNECTED']);
      });
    });

    describe('reports', () => {
      beforeEach(() => enrolled(stores));
      const ingest = (...reports: Envelope[]) => stores.reports.ingest('edge-1', reports, NOW_MS + 1000);
      const model = async () => (await stores.devices.models('edge-1'))[0];

      it('acknowledges per sequence up to the first hole', async () => {
        const acks = await ingest(
          report('event', 1, eventBody()),
          report('event', 3, eventBody()),
          report('tele', 1, teleBody()),
        );
        expect(acks).toMatchObject([
          { stream: 'event', storedUpTo: 1, quarantined: [] },
          { stream: 'tele', storedUpTo: 1 },
        ]);
        expect(await ingest(report('event', 2, eventBody()))).toMatchObject([{ storedUpTo: 3 }]);
      });

      it('stores the same report once and acknowledges it again', async () => {
        const reports = [
          report('state', 1, stateBody()),
          report('tele', 1, teleBody(DIGEST_1, 10), { at: NOW_MS + 9 }),
        ];
        const first = await ingest(...reports);
        expect(await ingest(...reports)).toEqual(first);
        expect((await stores.reports.list('edge-1', { limit: 9 })).items).toHaveLength(2);
        expect(await model()).toMatchObject({ answers: 10 });
        const events = await stores.events.after(0, 99);
        expect(events.filter((event) => event.code === 'DEVICE_STATE')).toHaveLength(1);
      });

      it.each([
        ['event', eventBody('a'), eventBody('b')],
        ['tele', teleBody(DIGEST_1, 1), teleBody(DIGEST_1, 2)],
      ] as const)('keeps other content under a known key aside (%s)', async (stream, one, two) => {
        await ingest(report(stream, 1, one));
        const conflict = [{ storedUpTo: 1, quarantined: [{ seq: 1, code: 'REPORT_CONFLICT' }] }];
        expect(await ingest(report(stream, 1, two))).toMatchObject(conflict);
        expect(await ingest(report(stream, 1, two))).toMatchObject(conflict);
        expect((await stores.reports.list('edge-1', { limit: 9 })).items).toMatchObject([{ body: one }]);
        expect((await stores.reports.quarantined({ limit: 9 })).items).toHaveLength(1);
        const events = await stores.events.after(0, 99);
        expect(events.filter((event) => event.code === 'CLONED_DEVICE')).toHaveLength(1);
      });

      it('keeps what it cannot read aside and goes on after it', async () => {
        const acks = await ingest(
          report('event', 1, { kind: 'nonsense' }),
          report('event', 2, eventBody()),
          report('event', 3, eventBody(), { at: NOW_MS + 2 * 86_400_000 }),
        );
        const quarantined = [
          { seq: 1, code: 'MESSAGE_INVALID' },
          { seq: 3, code: 'REPORT_TIME_IMPLAUSIBLE' },
        ];
        expect(acks).toMatchObject([{ storedUpTo: 3, quarantined }]);
        expect((await stores.reports.list('edge-1', { limit: 9 })).items).toMatchObject([{ seq: 2 }]);
        expect((await stores.reports.quarantined({ limit: 9 })).items).toHaveLength(2);
      });

      it('answers the same for a quarantined report that comes again', async () => {
        const bad = report('event', 1, { kind: 'nonsense' });
        expect(await ingest(bad)).toEqual(await ingest(bad));
        expect(await ingest(report('event', 1, eventBody()))).toMatchObject([
          { quarantined: [{ code: 'REPORT_CONFLICT' }] },
        ]);
      });

      it('stores tombstones', async () => {
        const tombstone = { tombstone: { droppedAt: NOW_MS, reason: 'full' } };
        expect(await ingest(report('tele', 1, tombstone))).toMatchObject([
          { storedUpTo: 1, quarantined: [] },
        ]);
        const { items } = await stores.reports.list('edge-1', { limit: 9, stream: 'tele' });
        expect(items).toMatchObject([{ body: tombstone }]);
      });

      it('takes a tombstone for a row whose acknowledgement got lost', async () => {
        await ingest(report('tele', 1, teleBody()));
        const tombstone = { tombstone: { droppedAt: NOW_MS, reason: 'full' } };
        expect(await ingest(report('tele', 1, tombstone))).toMatchObject([
          { storedUpTo: 1, quarantined: [] },
        ]);
        const { items } = await stores.reports.list('edge-1', { limit: 9 });
        expect(items).toMatchObject([{ body: teleBody() }]);
      });

      it('says again what it has settled of the journal that the device speaks of', async () => {
        const other = { journal: '01980000-0000-7000-8000-00000000000c' };
        await ingest(report('event', 1, eventBody(), other));
        expect(await stores.reports.acknowledgements('edge-1')).toEqual([]);
        await stores.devices.hello('edge-1', helloOf({ start: 2 }), NOW_MS);
        const events = await ingest(report('event', 1, eventBody()), report('event', 2, { no: 'event' }));
        const states = await ingest(report('state', 1, stateBody(), { start: 2 }));
        expect(events).toMatchObject([{ storedUpTo: 2, quarantined: [{ seq: 2 }] }]);
        expect(await stores.reports.acknowledgements('edge-1')).toEqual([...states, ...events]);
      });

      it('goes on behind rows that an earlier start lost for ever', async () => {
        await stores.devices.hello('edge-1', helloOf({ start: 2 }), NOW_MS);
        const first = await ingest(report('tele', 3, teleBody()), report('tele', 5, teleBody()));
        expect(first).toMatchObject([{ storedUpTo: 3 }]);
        expect(await ingest(report('tele', 5, teleBody()))).toMatchObject([{ storedUpTo: 5 }]);
      });

      it('goes on behind reports that a restore from a backup lost, and says how many', async () => {
        const helloFrom = (event: number) =>
          stores.devices.hello('edge-1', helloOf({ start: 2, oldest: { state: 1, event, tele: 1 } }), NOW_MS);
        await helloFrom(1);
        await ingest(report('event', 1, eventBody(), { start: 2 }));
        await helloFrom(5);
        expect(await ingest(report('event', 5, eventBody(), { start: 2 }))).toMatchObject([
          { storedUpTo: 5 },
        ]);
        const told = (await stores.events.list({ limit: 10 })).items.filter(
          ({ code }) => code === 'REPORTS_LOST',
        );
        expect(told).toMatchObject([{ device: 'edge-1', data: { stream: 'event', count: 3 } }]);
      });

      it('begins where the hello says, and never skips what is there', async () => {
        const oldest = { state: 0, event: 7, tele: 7 };
        await stores.devices.hello('edge-1', helloOf({ start: 2, oldest }), NOW_MS);
        const acks = await ingest(
          report('event', 7, eventBody(), { start: 2 }),
          report('tele', 1, teleBody(), { start: 2 }),
          report('event', 5, eventBody(), { start: 1 }),
          report('event', 6, eventBody(), { start: 1 }),
        );
        expect(acks.map((ack) => ack.storedUpTo)).toEqual([7, 1, 6]);
      });

      it('asks a device again whose state it was told and does not have any more', async () => {
        await ingest(report('state', 1, stateBody({ generation: 4 })));
        const known = helloOf({ start: 2, generation: 4, lastStored: { start: 1, seq: 1 } });
        await stores.devices.hello('edge-1', known, NOW_MS);
        expect(await stores.devices.get('edge-1')).toMatchObject({ acceptedGeneration: 4 });
        const lost = helloOf({ start: 3, generation: 4, lastStored: { start: 1, seq: 2 } });
        await stores.devices.hello('edge-1', lost, NOW_MS);
        expect(await stores.devices.get('edge-1')).toMatchObject({ acceptedGeneration: 5 });
        expect((await stores.events.list({ limit: 1 })).items).toMatchObject([
          { code: 'DEVICE_ASKED_AGAIN' },
        ]);
      });

      it('asks a device once for each report that is missing, and until it took the question', async () => {
        const asked = async () =>
          (await stores.events.list({ limit: 9 })).items.filter(({ code }) => code === 'DEVICE_ASKED_AGAIN')
            .length;
        const hello = async (generation: number, seq: number) => {
          await stores.devices.hello(
            'edge-1',
            helloOf({ generation, lastStored: { start: 1, seq } }),
            NOW_MS,
          );
          return (await stores.devices.get('edge-1'))?.acceptedGeneration;
        };
        expect([await hello(4, 2), await hello(4, 2), await hello(6, 2)]).toEqual([5, 5, 6]);
        expect(await asked()).toBe(1);
        expect([await hello(6, 3), await asked()]).toEqual([7, 2]);
      });

      it('lets a heartbeat prove what a clock that ran ahead has committed', async () => {
        await ingest(report('state', 1, stateBody(), { at: NOW_MS + 3_600_000 }));
        await ingest(report('tele', 1, teleBody(), { at: NOW_MS + 60_000 }));
        expect(await model()).toMatchObject({ isProven: true });
      });

      it('counts answers of the running release only, whatever the order', async () => {
        await ingest(report('state', 1, stateBody()), report('tele', 1, teleBody(DIGEST_1, 5)));
        const next = stateBody({
          release: { version: '1.1.0', digest: DIGEST_2 },
          running: running(DIGEST_2),
        });
        await ingest(report('state', 2, next, { at: NOW_MS + 50 }));
        await ingest(report('tele', 3, teleBody(DIGEST_2, 3), { at: NOW_MS + 60 }));
        await ingest(report('tele', 2, teleBody(DIGEST_1, 100), { at: NOW_MS + 40 }));
        expect(await model()).toMatchObject({ running: { digest: DIGEST_2 }, answers: 3 });
      });

      it('does not let a late state overwrite a newer one', async () => {
        const soaking = stateBody({ phase: 'soaking', from: 'activating', isCommitted: false });
        await ingest(report('state', 2, stateBody()));
        await ingest(report('state', 1, soaking));
        expect(await model()).toMatchObject({ phase: 'idle', isCommitted: true });
        await ingest(report('state', 1, soaking, { start: 2 }));
        expect(await model()).toMatchObject({ phase: 'soaking', isCommitted: false });
      });

      it('proves a release by a heartbeat written after its commit, and only while it runs', async () => {
        await ingest(report('tele', 1, teleBody(DIGEST_1, 5, false), { at: NOW_MS + 1 }));
        await ingest(report('state', 1, stateBody(), { at: NOW_MS + 10 }));
        expect(await model()).toMatchObject({ isCommitted: true, isProven: false });
        await ingest(report('tele', 2, teleBody(), { at: NOW_MS + 20 }));
        expect(await model()).toMatchObject({ isProven: true });

        const offered = stateBody({
          phase: 'offered',
          from: 'idle',
          release: { version: '1.1.0', digest: DIGEST_2 },
        });
        await ingest(report('state', 2, offered, { at: NOW_MS + 30 }));
        expect(await model()).toMatchObject({ isProven: true, candidate: { version: '1.1.0', attempt: 1 } });

        await ingest(report('tele', 3, teleBody(DIGEST_2), { at: NOW_MS + 40 }));
        expect(await model()).toMatchObject({ isProven: false });
      });

      it('remembers why a release was given up until another one comes', async () => {
        const failure = { code: 'SOAK_FAILED', reason: 'wrong answers', phase: 'soaking' as const };
        const release = { version: '1.1.0', digest: DIGEST_2 };
        await ingest(report('state', 1, stateBody({ phase: 'rollingBack', release, failure })));
        await ingest(report('state', 2, stateBody()));
        expect(await model()).toMatchObject({ phase: 'idle', failure, candidate: { version: '1.1.0' } });
        await ingest(report('state', 3, stateBody({ phase: 'offered', release, attempt: 2 })));
        expect(await model()).toMatchObject({ failure: null, candidate: { attempt: 2 } });
      });

      it('lists across streams page by page, newest first', async () => {
        await ingest(report('state', 1, stateBody()), report('tele', 1, teleBody()));
        await stores.reports.ingest('edge-1', [report('event', 1, eventBody())], NOW_MS + 2000);
        const first = await stores.reports.list('edge-1', { limit: 2 });
        const second = await stores.reports.list('edge-1', { limit: 2, cursor: first.next ?? '' });
        const streams = [...first.items, ...second.items].map((item) => item.stream);
        expect(streams[0]).toBe('event');
        expect(streams.toSorted()).toEqual(['event', 'state', 'tele']);
        expect(second.next).toBeNull();
      });

      it('refuses a device that is not enrolled', async () => {
        const ingested = stores.reports.ingest('ghost', [report('event', 1, eventBody())], NOW_MS);
        await expect(ingested).rejects.toMatchObject({ code: 'DEVICE_UNKNOWN' });
      });
    });

    describe('rings and releases', () => {
      const ring = { name: 'canary', ordinal: 1, selector: null, devices: [], shareBasisPoints: null };
      const assignment = {
        ring: 'canary',
        model: 'tiny',
        version: '1.0.0',
        digest: DIGEST_1,
        attempt: 1,
        rollout: null,
        soak: null,
      };

      it('guards a ring by its revision', async () => {
        expect(await stores.rings.put(ring, 0, CHANGE)).toMatchObject({ revision: 1 });
        await expect(stores.rings.put(ring, 0, CHANGE)).rejects.toMatchObject({ code: 'REVISION_CONFLICT' });
        expect(await stores.rings.put({ ...ring, ordinal: 2 }, 1, CHANGE)).toMatchObject({ revision: 2 });
      });

      it('assigns only what is published and not yanked', async () => {
        const assign = () => stores.rings.assign(assignment, CHANGE);
        await expect(assign()).rejects.toMatchObject({ code: 'RING_UNKNOWN' });
        await stores.rings.put(ring, null, CHANGE);
        await expect(assign()).rejects.toMatchObject({ code: 'RELEASE_UNKNOWN' });
        await stores.releases.add(releaseOf(), Buffer.from('{}'), CHANGE);
        await assign();
        expect(await stores.rings.assignments()).toEqual([{ terms: null, ...assignment, sinceMs: NOW_MS }]);
        await stores.releases.yank('tiny', '1.0.0', CHANGE);
        await expect(assign()).rejects.toMatchObject({ code: 'RELEASE_YANKED' });
        await stores.rings.remove('canary', CHANGE);
        expect(await stores.rings.assignments()).toEqual([]);
      });

      it('never changes a published release', async () => {
        await stores.releases.add(releaseOf(), Buffer.from('one'), CHANGE);
        await stores.releases.add(releaseOf(), Buffer.from('one'), CHANGE);
        const other = stores.releases.add(releaseOf('1.0.0', DIGEST_2), Buffer.from('two'), CHANGE);
        await expect(other).rejects.toMatchObject({ code: 'RELEASE_CONFLICT' });
        expect(Buffer.from((await stores.releases.manifest('tiny', '1.0.0')) ?? '').toString()).toBe('one');
        expect((await stores.releases.list({ limit: 9, model: 'other' })).items).toEqual([]);
      });
    });

    describe('rollouts', () => {
      beforeEach(async () => {
        const ring = { ordinal: 1, selector: null, devices: [], shareBasisPoints: null };
        for (const name of ['canary', 'fleet']) await stores.rings.put({ ...ring, name }, null, CHANGE);
        await stores.releases.add(releaseOf(), Buffer.from('{}'), CHANGE);
      });

      it('allows one active rollout per model and ring', async () => {
        await stores.rollouts.create(rolloutOf('r1'), CHANGE, []);
        const second = stores.rollouts.create(rolloutOf('r2'), CHANGE, []);
        await expect(second).rejects.toMatchObject({ code: 'ROLLOUT_CONFLICT' });
        await stores.rollouts.create(rolloutOf('r3', 'fleet'), CHANGE, []);
        await expect(stores.rings.remove('fleet', CHANGE)).rejects.toMatchObject({ code: 'RING_IN_USE' });
        await stores.rollouts.save({ ...rolloutOf('r1'), state: 'halted' }, [], [], CHANGE);
        await stores.rollouts.create(rolloutOf('r2'), CHANGE, []);
        const active = await stores.rollouts.list({ limit: 9, active: true });
        expect(active.items.map((rollout) => rollout.id)).toEqual(['r2', 'r3']);
      });

      it('saves a step with its assignments once', async () => {
        await stores.rollouts.create(rolloutOf('r1'), CHANGE, []);
        const read = (await stores.rollouts.get('r1')) as Rollout;
        const { version, digest } = releaseOf();
        const assignments = [
          { ring: 'canary', model: 'tiny', version, digest, attempt: 1, rollout: 'r1', soak: SOAK },
        ];
        expect(await stores.rollouts.save(read, assignments, [], CHANGE)).toBe('saved');
        expect(await stores.rollouts.save(read, [], [], CHANGE)).toBe('stale');
        expect(await stores.rollouts.get('r1')).toMatchObject({ revision: read.revision + 1 });
        expect(await stores.rings.assignments()).toMatchObject([{ ring: 'canary', soak: SOAK }]);
      });
    });

    it('keeps every version of signed metadata and refuses older ones', async () => {
      await stores.trust.put('root', 1, 'one', CHANGE);
      await stores.trust.put('root', 2, 'two', CHANGE);
      await stores.trust.put('root', 1, 'one', CHANGE);
      await expect(stores.trust.put('root', 2, 'other', CHANGE)).rejects.toMatchObject({
        code: 'METADATA_NOT_NEWER',
      });
      expect(await stores.trust.get('root')).toBe('two');
      expect(await stores.trust.get('root', 1)).toBe('one');
      expect(await stores.trust.get('targets')).toBeNull();
    });

    it('keeps the newest assignment of a device', async () => {
      const first = { generation: 1, tufVersion: 1, contentHash: 'a', document: '{}', expiresAtMs: 1 };
      await stores.assignments.put('edge-1', first, CHANGE);
      await stores.assignments.put('edge-1', { ...first, tufVersion: 2 }, CHANGE);
      expect(await stores.assignments.get('edge-1')).toEqual({ ...first, tufVersion: 2 });
      expect((await stores.audit.list({ limit: 9 })).items).toHaveLength(1);
    });

    it('finds an API token until it expires', async () => {
      const token = { name: 'ci', secretHash: 'aa', role: 'operator', expiresAtMs: NOW_MS } as const;
      await stores.tokens.createApi(token, CHANGE);
      expect(await stores.tokens.findApi('aa', NOW_MS - 1)).toMatchObject({ name: 'ci', role: 'operator' });
      expect(await stores.tokens.findApi('aa', NOW_MS)).toBeNull();
      await expect(stores.tokens.createApi(token, CHANGE)).rejects.toMatchObject({ code: 'TOKEN_EXISTS' });
    });

    it('writes change, audit row and event together or not at all', async () => {
      let told = 0;
      const stop = stores.events.onAppend(() => {
        told += 1;
      });
      const ring = { name: 'canary', ordinal: 1, selector: null, devices: [], shareBasisPoints: null };
      await stores.rings.put(ring, null, CHANGE);
      await expect(stores.rings.put(ring, 0, CHANGE)).rejects.toMatchObject({ code: 'REVISION_CONFLICT' });
      expect(told).toBe(1);
      expect((await stores.events.list({ limit: 9 })).items).toMatchObject([{ code: 'RING_CHANGED' }]);
      const audit = (await stores.audit.list({ limit: 9 })).items;
      expect(audit).toMatchObject([{ by: 'person:ada', action: 'ring.put', target: 'canary' }]);
      stop();
      await stores.rings.put(ring, null, CHANGE);
      expect(told).toBe(1);
    });
  });
}
