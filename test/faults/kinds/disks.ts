import { closeSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run, tryRun } from '../../lab/command.ts';
import type { AgentProcess } from '../lab/agent-process.ts';
import type { Device } from '../lab/device.ts';
import { DISK, killAtOnce, mountDisk, remountDisk, unmountDisk } from '../lab/state-disk.ts';
import type { FaultFamily } from './kind.ts';
import { inEveryState } from './staged.ts';

const LASTS_MS = 2_500;
/** What the disk did not take of an assignment comes with the next poll, a minute later. */
const REST_MS = 100_000;

/** The state folder is an ext4 file system of its own, and that is full, frozen or failing. */
export const disks: FaultFamily = {
  kinds: ['full disk', 'no inodes', 'read-only', 'frozen disk'],
  faults: async () =>
    [
      { kind: 'full disk', at: 'ext4, until freed', harm: fill },
      { kind: 'no inodes', at: 'ext4, until freed', harm: useInodes },
      { kind: 'read-only', at: 'ext4, until remounted', harm: makeReadOnly },
      { kind: 'frozen disk', at: 'ext4, until thawed', says: [], harm: freeze },
    ].flatMap((one) => inEveryState({ ...one, restMs: REST_MS, before: mountDisk, undo: unmountDisk })),
};

async function fill(device: Device): Promise<string | null> {
  const path = join(device.stateDir, 'filler');
  const { stderr } = await tryRun('dd', ['if=/dev/zero', `of=${path}`, 'bs=64k']);
  await sleep(LASTS_MS);
  rmSync(path);
  return stderr.split('\n').find((line) => line.includes('No space left')) ?? null;
}

async function useInodes(device: Device): Promise<string | null> {
  const folder = join(device.stateDir, 'fillers');
  mkdirSync(folder);
  let proof: string | null = null;
  for (let i = 0; i < DISK.inodes && proof === null; i += 1) {
    try {
      closeSync(openSync(join(folder, String(i)), 'w'));
    } catch (err) {
      proof = String(err);
    }
  }
  await sleep(LASTS_MS);
  rmSync(folder, { recursive: true });
  return proof;
}

/** As ext4 does it when the card fails; only mounting it again makes it writable. */
async function makeReadOnly(device: Device, agent: AgentProcess): Promise<string | null> {
  await run('mount', ['-o', 'remount,abort', device.stateDir]);
  let proof: string | null = null;
  try {
    writeFileSync(join(device.stateDir, 'filler'), '');
  } catch (err) {
    proof = String(err);
  }
  await sleep(LASTS_MS);
  await killAtOnce(agent);
  await remountDisk(device);
  return proof;
}

async function freeze(device: Device): Promise<string> {
  await run('fsfreeze', ['-f', device.stateDir]);
  await sleep(LASTS_MS);
  // Inference never waits for the disk.
  const answer = await device.lab.application.ask(device.socket);
  await run('fsfreeze', ['-u', device.stateDir]);
  const [model] = (await device.status())?.models ?? [];
  if (!answer && model?.committed && model.phase !== 'removing')
    throw new Error('nobody answered while the disk was frozen');
  return `FIFREEZE for ${LASTS_MS} ms; ${answer?.named} answered`;
}
