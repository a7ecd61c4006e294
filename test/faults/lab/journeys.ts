import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Device } from './device.ts';
import type { Terms } from './publisher.ts';

/** A way through the states of the update machine on which faults happen. */
export interface Journey {
  readonly name: string;
  /** Those of its states that no other journey has, in their order. */
  readonly states: readonly string[];
  /** The release in the end; '' for none. */
  readonly wanted: string;
  /** Releases that may answer on the way. */
  readonly known: readonly string[];
  /** Codes that belong to it; any other one is a flaw. */
  readonly says: readonly string[];
  /** Puts a stopped device where the journey begins. */
  prepare(device: Device): void;
  /** What the server asks for, before or after the start. */
  order(device: Device, terms?: Terms): void;
}

const BOTH = ['1.0.0', '1.1.0'];
const SHADOW: Terms = {
  shadow: { minInferences: 3, deadlineMs: 60_000, samplePerMille: 1000, minAgreementPerMille: 0 },
};

/** 1.0.0 runs, 1.1.0 comes. */
export const UPDATE: Journey = {
  name: 'update',
  states: ['offered', 'downloading', 'verifying', 'preflight', 'ready', 'activating', 'soaking'],
  wanted: '1.1.0',
  known: BOTH,
  says: [],
  prepare: (device) => device.reset(),
  order: (device, terms = {}) => device.offer('1.1.0', terms),
};

/** The same, with live requests shown to 1.1.0 first. */
export const SHADOWED: Journey = {
  ...UPDATE,
  name: 'shadowed update',
  states: ['shadow'],
  order: (device, terms = {}) => device.offer('1.1.0', { ...SHADOW, ...terms }),
};

/** 1.1.0 runs and its file has rotted: back to 1.0.0, and to 1.1.0 when it has been fetched again. */
export const ROLLBACK: Journey = {
  ...UPDATE,
  name: 'rollback',
  states: ['rollingBack'],
  says: ['SLOT_CORRUPT'],
  prepare(device) {
    device.reset('updated');
    writeFileSync(join(device.stateDir, 'slots/tiny/1.1.0/models/int8-cpu/model.onnx'), 'rotten');
  },
};

/** 1.0.0 runs and is not assigned any more. */
export const REMOVAL: Journey = {
  name: 'removal',
  states: ['removing'],
  wanted: '',
  known: ['1.0.0', ''],
  says: [],
  prepare: (device) => device.reset(),
  order: (device) => device.offer(null),
};

export const JOURNEYS: readonly Journey[] = [UPDATE, SHADOWED, ROLLBACK, REMOVAL];

/** The journey that comes through a state; an idle device is at the beginning of an update. */
export const journeyTo = (state: string): Journey =>
  JOURNEYS.find(({ states }) => states.includes(state)) ?? UPDATE;
