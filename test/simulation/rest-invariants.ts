import { runningOf } from '../../agent/src/core/update-reports.ts';
import type { DeviceModelView, DeviceView } from '../../fleet-server/src/core/device-view.ts';
import { deviceView } from '../../fleet-server/src/core/device-view.ts';
import { computeMembership } from '../../fleet-server/src/core/membership.ts';
import type { SimDevice } from './sim-device.ts';
import { require } from './violation.ts';
import type { World } from './world.ts';

/** Devices as people see them: with what is wanted, what runs, and why those differ. */
export async function viewsOf({ server }: World): Promise<readonly DeviceView[]> {
  const { raw } = server;
  const [rings, devices] = [await raw.rings.list(), await raw.devices.all()];
  const [assignments, models] = [await raw.rings.assignments(), await raw.devices.models()];
  const { items: rollouts } = await raw.rollouts.list({ limit: 100 });
  const membership = computeMembership(rings, devices);
  return devices.map((device) =>
    deviceView({ device, membership, assignments, models, rollouts, generation: device.acceptedGeneration }),
  );
}

/** Every device that is not where it should be says why, with one code and one sentence. */
export function everyStandstillHasOneReason(views: readonly DeviceView[]): void {
  for (const { id, models } of views) {
    for (const { model, desired, running, isProven, blockedBy } of models) {
      const isThere = desired === null ? running === null : running?.digest === desired.digest && isProven;
      require('everyStandstillHasOneReason', isThere ||
        (blockedBy !== null && blockedBy.sentence.length > 0), () =>
        `${id} does not run ${model} ${desired?.version ?? 'nothing'} and nobody says why`);
    }
  }
}

/** Nothing is offered for ever: at rest a device runs what is wanted of it, or the server knows that it refused. */
export function nothingIsOfferedForEver(views: readonly DeviceView[]): void {
  for (const { id, models } of views) {
    for (const { model, desired, blockedBy } of models) {
      const code = blockedBy?.code ?? '';
      const isSettled =
        code === '' || code === 'INCOMPATIBLE' || /^(FAILED|ROLLOUT|WAITING_FOR_RING)/.test(code);
      require('nothingIsOfferedForEver', isSettled, () =>
        `at rest ${id} is still ${code} for ${model} ${desired?.version ?? 'nothing'}: ${blockedBy?.sentence}`);
    }
  }
}

/** What the server believes a device runs is what it runs. */
export function reportedIsTrue(device: SimDevice, view: DeviceModelView): void {
  const machine = device.agent?.machines.find(({ model }) => model === view.model);
  const running = machine ? runningOf(machine.state) : undefined;
  require('reportedIsTrue', view.running?.digest === running?.digest, () =>
    `${device.id} runs ${view.model} ${running?.version ?? 'nothing'}, the server believes ${view.running?.version ?? 'nothing'}`);
}

/** Desired and running are the same, or the device has a reason of its own that holds for this very attempt. */
export function desiredIsRunOrBarred(device: SimDevice, view: DeviceModelView, attempt: number): void {
  const machine = device.agent?.machines.find(({ model }) => model === view.model);
  const { desired } = view;
  const committed = machine?.state.committed?.digest;
  const isRun = desired === null ? committed === undefined : committed === desired.digest;
  const isBarred = desired !== null && device.ledger.barred(view.model, desired.digest) >= attempt;
  require('desiredIsRunOrBarred', isRun || isBarred, () =>
    `at rest ${device.id} runs ${machine?.state.committed?.version ?? 'nothing'} instead of ${desired?.version ?? 'nothing'} without having failed it`);
}

/** Nothing that a device wrote down once is counted twice, however often it was sent. */
export function noReportCountsTwice(device: SimDevice, view: DeviceModelView): void {
  if (!view.running) return;
  const written = device.ledger.answers.get(`${view.model} ${view.running.digest}`) ?? 0;
  // Evidence of a soak counts the same answers, and may be all that there is.
  const most = Math.max(written, 5);
  require('noReportCountsTwice', view.answers <= most, () =>
    `${device.id} answered ${written} requests with ${view.model} ${view.running?.version}, the server counts ${view.answers}`);
}

/** What a device forgot because the server had stored it is in the server's store, or kept aside there. */
export function noAcknowledgedReportIsLost({ server, hasRestored, devices }: World): void {
  if (hasRestored) return;
  for (const { id, disk } of devices.values()) {
    const { control, telemetry } = server.disk;
    const stored = disk.control
      .prepare<[], { start: number; stream: string; seq: number }>(
        "SELECT start, stream, seq FROM report_ledger WHERE outcome = 'stored' AND seq IS NOT NULL",
      )
      .all();
    const known = new Set<string>();
    type Key = { start: number; stream: string; seq: number };
    const rows = [
      ...control.prepare<[string], Key>('SELECT start, stream, seq FROM reports WHERE device = ?').all(id),
      ...control
        .prepare<[string], Key>('SELECT start, stream, seq FROM quarantined_reports WHERE device = ?')
        .all(id),
      ...telemetry
        .prepare<[string], Key>("SELECT start, 'tele' AS stream, seq FROM heartbeats WHERE device = ?")
        .all(id),
    ];
    for (const { start, stream, seq } of rows) known.add(`${start}/${stream}/${seq}`);
    for (const { start, stream, seq } of stored) {
      require('noAcknowledgedReportIsLost', known.has(`${start}/${stream}/${seq}`), () =>
        `${id} forgot report ${start}/${stream}/${seq} as stored, and it is not`);
    }
  }
}

/** For one report that a restore lost the device is asked once: whoever asks at each contact never comes to an end. */
export function asksOnceForWhatIsLost({ server }: World): void {
  const rows = server.disk.control
    .prepare<[], { device: string; data: string; n: number }>(
      `SELECT device, data, COUNT(*) AS n FROM events WHERE code = 'DEVICE_ASKED_AGAIN'
       GROUP BY device, data HAVING n > 1`,
    )
    .all();
  for (const { device, data, n } of rows)
    require('asksOnceForWhatIsLost', false, () => `${device} was asked ${n} times for report ${data}`);
}

/** All of them, on a fleet that has come to rest. */
export async function checkRest(world: World): Promise<void> {
  const views = await viewsOf(world);
  everyStandstillHasOneReason(views);
  const assignments = await world.server.raw.rings.assignments();
  for (const view of views) {
    const device = world.devices.get(view.id);
    if (!device || device.isRevoked) continue;
    for (const model of view.models) {
      reportedIsTrue(device, model);
      const attempt =
        assignments.find((one) => one.ring === view.ring && one.model === model.model)?.attempt ?? 1;
      desiredIsRunOrBarred(device, model, attempt);
      noReportCountsTwice(device, model);
    }
  }
  nothingIsOfferedForEver(views);
  noAcknowledgedReportIsLost(world);
  asksOnceForWhatIsLost(world);
}
