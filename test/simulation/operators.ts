import { CodedError } from '@ringfleet/shared/errors';
import { loadRings } from '../../fleet-server/src/api/people/rings-view.ts';
import { startRollout } from '../../fleet-server/src/api/people/rollouts-orders.ts';
import type { Principal, Rollout } from '../../fleet-server/src/core/domain.ts';
import type { RingSpec, RolloutPlanSpec } from '../../fleet-server/src/core/plan-schema.ts';
import { activeRollouts } from '../../fleet-server/src/rollout-engine/fleet-state.ts';
import type { SimRelease } from './releases.ts';
import type { World } from './world.ts';

const ANN: Principal = { kind: 'person', name: 'ann', role: 'admin' };
const BEN: Principal = { kind: 'person', name: 'ben', role: 'admin' };

/** A device runs one to all of them, each with its own machine, rollouts and floor. */
const MODELS = ['alpha', 'beta', 'gamma', 'delta'];

/** The people: publish, roll out, pause, resume, approve, abort, assign, yank, revoke, enroll, as luck has it. */
export class Operators {
  readonly #world: World;
  readonly models: readonly string[];
  readonly #rings = ['canary', 'early', 'fleet'];
  #devices = 0;

  constructor(world: World) {
    this.#world = world;
    this.models = MODELS.slice(0, world.random.between(1, MODELS.length));
  }

  /** A fleet with three rings whose devices run the first release of a model or of several. */
  async setUp(): Promise<void> {
    const { server, random, publisher } = this.#world;
    await server.stores.trust.put('root', 1, publisher.rootText, server.change(ANN));
    const count = random.between(5, 20);
    for (let i = 0; i < count; i++) await this.enroll();
    const ids = [...this.#world.devices.keys()];
    const shares = [random.pick([null, 500, 1_000, 2_500]), random.pick([1_000, 3_300, 5_000]), 10_000];
    for (const [ordinal, name] of this.#rings.entries()) {
      const share = shares[ordinal] ?? null;
      const devices = ordinal === 0 && share === null ? ids.slice(0, random.between(1, 3)) : [];
      const ring = { name, ordinal, selector: null, devices, shareBasisPoints: share };
      await server.stores.rings.put(ring, null, server.change(ANN));
    }
    for (const model of this.models) {
      const release = await this.publish(model);
      // Of what a rollout brought first, going back to what was before is a removal.
      if (model !== this.models[0] && random.chance(0.4)) continue;
      for (const ring of this.#rings) await this.#assign(ring, release);
    }
    await this.#world.changed();
  }

  /** Keeps the fleet busy: a new release where nothing moves, a decision where somebody has to decide. */
  async goOn(): Promise<void> {
    const { random, server } = this.#world;
    const rollouts = await activeRollouts(server.stores);
    for (const model of this.models) {
      const active = rollouts.find((one) => one.model === model);
      if (!active) await this.rollOut(model);
      else if (active.state === 'paused' && random.chance(0.5)) await this.#decide(active);
      else if (isWaitingForApproval(active) && random.chance(0.5)) await this.#order(active, 'approve');
    }
  }

  /** Something that nobody expected. */
  async meddle(): Promise<void> {
    const { random, server, faults } = this.#world;
    const model = random.pick(this.models);
    const active = (await activeRollouts(server.stores)).find((one) => one.model === model);
    const lot = random.between(0, 12);
    if (lot === 0) await this.#revoke();
    else if (lot === 1) {
      faults.note('device joined late');
      (await this.enroll()).start();
      await this.#world.changed();
    } else if (lot === 2) await this.#raiseFloor(model);
    else if (lot >= 11) await this.#holdOrRelease();
    else if (lot === 10) await this.#assignBelowTheFloor(model);
    else if (!active) await this.rollOut(model);
    else if (lot <= 4) await this.#order(active, active.state === 'paused' ? 'resume' : 'pause');
    else if (lot === 5) await this.#abort(active);
    else if (lot === 6) {
      faults.note('superseded');
      await this.rollOut(model);
    } else if (lot === 7) {
      faults.note('assigned past the rollout');
      await this.#assign(random.pick(this.#rings), random.pick(this.#assignable(model)));
      await this.#world.changed();
    } else if (lot === 8 && random.chance(0.3)) {
      faults.note('yanked');
      await server.stores.releases.yank(model, active.version, server.change(ANN));
    } else await this.#tickOnAnOldLook(active);
  }

  /** A stolen server, or somebody who read no notice: devices must refuse it, whatever the server thinks. */
  async #assignBelowTheFloor(model: string): Promise<void> {
    const { publisher, random, faults } = this.#world;
    const allowed = this.#assignable(model);
    const old = publisher.releasesOf(model).filter((one) => !allowed.includes(one));
    if (old.length === 0) return this.#raiseFloor(model);
    faults.note('assigned below the floor');
    await this.#assign(random.pick(this.#rings), random.pick(old));
    await this.#world.changed();
  }

  async #holdOrRelease(): Promise<void> {
    const { server, random, faults, timeline } = this.#world;
    const device = random.pick(await server.stores.devices.all());
    if (!device.hold) faults.note('held by the server');
    const hold = device.hold ? null : { reason: 'an audit', by: 'ann', sinceMs: timeline.nowMs };
    await server.stores.devices.setHold(device.id, hold, server.change(ANN));
    await this.#world.changed();
  }

  /** When the server is back: what it never heard of, or lost since its backup, is done again, as people would. */
  async again(): Promise<void> {
    const { server, publisher, devices } = this.#world;
    for (const model of this.models) {
      for (const release of publisher.releasesOf(model)) await this.#register(release);
      const role = publisher.documentOf(model);
      if (role) await server.stores.trust.put(`m.${model}`, role.version, role.text, server.change(ANN));
    }
    for (const [id, device] of devices) {
      const { isRevoked } = device;
      const known = await server.stores.devices.get(id);
      if (!known) await server.enroll(id, ANN);
      if (!known && !device.agent) device.start();
      if (isRevoked && known?.status !== 'revoked') await this.#end(id);
    }
  }

  /** When the trouble is over. */
  async tidyUp(): Promise<void> {
    const { server } = this.#world;
    await this.lookAfterFloors();
    for (const { id, hold } of await server.stores.devices.all()) {
      if (hold) await server.stores.devices.setHold(id, null, server.change(ANN));
    }
    await this.#world.changed();
  }

  /** No ring is left below the floor for ever, where a rollback may have brought it too. */
  async lookAfterFloors(): Promise<void> {
    const { server, publisher } = this.#world;
    for (const { ring, model, version } of await server.stores.rings.assignments()) {
      const floor = publisher.roles.get(model)?.minReleaseCounter ?? 0;
      const counter = publisher.releasesOf(model).find((one) => one.version === version)?.releaseCounter ?? 0;
      if (counter >= floor) continue;
      await this.#assign(ring, (await this.#newestGood(model)) ?? (await this.publish(model)));
      await this.#world.changed();
    }
  }

  async #newestGood(model: string): Promise<SimRelease | null> {
    for (const release of this.#assignable(model).toReversed()) {
      const stored = await this.#world.server.stores.releases.get(model, release.version);
      if (release.truth === 'good' && stored?.yankedAtMs === null) return release;
    }
    return null;
  }

  async enroll(): Promise<ReturnType<World['addDevice']>> {
    this.#devices += 1;
    const id = `d${String(this.#devices).padStart(2, '0')}`;
    const device = this.#world.addDevice(id);
    await this.#world.server.enroll(id, ANN);
    return device;
  }

  async publish(model: string): Promise<SimRelease> {
    const { server, publisher, random } = this.#world;
    const release = publisher.publish(model, random);
    await this.#register(release);
    const role = publisher.documentOf(model);
    if (role) await server.stores.trust.put(`m.${model}`, role.version, role.text, server.change(ANN));
    return release;
  }

  async rollOut(model: string): Promise<void> {
    const { server, random, plans } = this.#world;
    const release = await this.publish(model);
    const stored = await server.stores.releases.get(model, release.version);
    if (!stored) return;
    const id = random.uuid();
    const spec = planOf(this.#rings, this.#world);
    const rollout = await startRollout(server.stores, id, stored, spec, server.change(ANN));
    plans.set(
      id,
      rollout.rings.map(({ plan }) => plan),
    );
    this.#world.say(
      () => `ann rolls out ${model} ${release.version}, which ${release.truth} on ${release.share * 100} %`,
    );
    this.#world.lookSoon();
  }

  async #decide(active: Rollout): Promise<void> {
    if (this.#world.random.chance(0.6)) await this.#order(active, 'resume');
    else await this.#abort(active);
  }

  async #order(active: Rollout, kind: 'pause' | 'resume' | 'approve'): Promise<void> {
    const { server, faults } = this.#world;
    faults.note(({ pause: 'paused', resume: 'resumed', approve: 'approved' } as const)[kind]);
    await server.order(active.id, { kind }, BEN);
    await this.#world.changed();
    this.#world.lookSoon();
  }

  async #abort(active: Rollout): Promise<void> {
    const { server, faults, random } = this.#world;
    faults.note('aborted');
    await server.order(active.id, { kind: 'abort', mode: random.pick(['keep', 'revert'] as const) }, BEN);
    await this.#world.changed();
  }

  /** Two people, or a person and the engine, on one rollout: whoever looked first saves last. */
  async #tickOnAnOldLook(active: Rollout): Promise<void> {
    const { random, faults, server } = this.#world;
    await server.look(async () => {
      faults.note('tick on an old look');
      const kind = random.pick(['pause', 'resume'] as const);
      await this.#order(active, kind).catch((err: unknown) => {
        if (!(err instanceof CodedError)) throw err;
      });
    });
    await this.#world.changed();
  }

  async #revoke(): Promise<void> {
    const { devices, random, faults } = this.#world;
    const left = [...devices.values()].filter(({ isRevoked }) => !isRevoked);
    if (left.length < 4) return;
    const device = random.pick(left);
    faults.note('device revoked');
    this.#world.say(() => `${device.id} is revoked`);
    device.isRevoked = true;
    device.agent?.disconnected();
    await this.#end(device.id);
    await this.#world.changed();
  }

  async #end(id: string): Promise<void> {
    const { server } = this.#world;
    await server.stores.identities.end(id, { status: 'revoked', reason: 'stolen' }, server.change(ANN));
  }

  /** Never above what a ring runs, or may have to go back to. */
  async #raiseFloor(model: string): Promise<void> {
    const { server, publisher, random, faults } = this.#world;
    const active = await activeRollouts(server.stores);
    const used = [
      ...(await server.stores.rings.assignments())
        .filter((one) => one.model === model)
        .map(({ digest }) => digest),
      ...active.flatMap(({ rings }) => rings.flatMap(({ previous }) => (previous ? [previous.digest] : []))),
    ];
    const counters = publisher.releasesOf(model).filter(({ digest }) => used.includes(digest));
    const highest = Math.min(...counters.map(({ releaseCounter }) => releaseCounter));
    const today = publisher.roles.get(model)?.minReleaseCounter ?? 1;
    if (!Number.isFinite(highest) || highest <= today) return;
    faults.note('floor raised');
    const floor = random.between(today + 1, highest);
    this.#world.say(() => `the floor of ${model} is ${floor} now`);
    publisher.raiseFloor(model, floor);
    const role = publisher.documentOf(model);
    if (role) await server.stores.trust.put(`m.${model}`, role.version, role.text, server.change(ANN));
  }

  #assignable(model: string): readonly SimRelease[] {
    const { publisher } = this.#world;
    const floor = publisher.roles.get(model)?.minReleaseCounter ?? 0;
    return publisher.releasesOf(model).filter(({ releaseCounter }) => releaseCounter >= floor);
  }

  async #register(release: SimRelease): Promise<void> {
    const { server } = this.#world;
    const { model, version, digest } = release;
    if (await server.stores.releases.get(model, version)) return;
    const change = server.change(ANN);
    const entry = { model, version, digest, sizeBytes: 1, variants: ['int8-cpu'], description: '' };
    const published = { publishedAtMs: change.atMs, publishedBy: 'ann', yankedAtMs: null };
    await server.stores.releases.add({ ...entry, ...published }, Buffer.from('{}'), change);
  }

  /** As POST /rings/{name}/assignments. */
  async #assign(ring: string, { model, version, digest }: SimRelease): Promise<void> {
    const { server, production } = this.#world;
    const fleet = await loadRings(server.stores);
    const members = fleet.membership.members.get(ring) ?? [];
    const states = (await server.stores.devices.models()).filter(
      (state) => state.model === model && members.includes(state.device),
    );
    const current = fleet.assignments.find((one) => one.ring === ring && one.model === model);
    const attempt = production.nextAttempt(digest, states, current);
    const soak = { soakMs: 60_000, minInferences: 5, deadlineMs: 600_000 };
    this.#world.say(() => `ann assigns ${model} ${version} to ring ${ring}`);
    await server.stores.rings.assign(
      { ring, model, version, digest, attempt, rollout: null, soak },
      server.change(ANN),
    );
  }
}

const isWaitingForApproval = ({ rings }: Rollout): boolean =>
  rings.some(({ gate, state }) => state === 'open' && gate?.code === 'GATE_NEEDS_APPROVAL');

function planOf(rings: readonly string[], { random }: World): RolloutPlanSpec {
  const seconds = (from: number, to: number): string => `${random.between(from, to)}s`;
  const ringOf = (ring: string): RingSpec => ({
    ring,
    bake: seconds(20, 240),
    deadline: seconds(900, 2_400),
    maxFailureRatio: random.pick(['0%', '5%', '20%', '50%']),
    maxFailures: random.pick([0, 0, 1, 2]),
    approval: random.chance(0.1),
    onFailure: random.pick(['pause', 'rollbackRing', 'rollbackAll'] as const),
    minExecuted: random.between(0, 2),
    ...(random.chance(0.5) ? { minProven: random.between(0, 2) } : {}),
  });
  const chosen = random.chance(0.8) ? rings : rings.slice(random.between(0, 1));
  return {
    soak: { for: seconds(20, 180), minInferences: 5, deadline: seconds(200, 600) },
    rings: chosen.map(ringOf),
  };
}
