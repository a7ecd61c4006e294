import { closeSync, existsSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run, tryRun } from '../../lab/command.ts';
import { cutFileSystem, makeDisk } from '../../lab/disk.ts';
import type { AgentProcess } from '../lab/agent-process.ts';
import type { Device } from '../lab/bench.ts';
import type { FaultFamily } from './kind.ts';
import { inEveryState } from './staged.ts';

const DISK = { sizeBytes: 48 * 1024 * 1024, inodes: 600 };
const LASTS_MS = 2_500;

/** The state folder is an ext4 file system of its own, and that is cut off, full, frozen or failing. */
export const disks: FaultFamily = {
  kinds: ['power cut', 'full disk', 'no inodes', 'read-only', 'frozen disk'],
  faults: async () =>
    [
      { kind: 'power cut', at: 'ext4, journal dropped', harm: cut },
      { kind: 'full disk', at: 'ext4, until freed', harm: fill },
      { kind: 'no inodes', at: 'ext4, until freed', harm: useInodes },
      { kind: 'read-only', at: 'ext4, until remounted', harm: makeReadOnly },
      { kind: 'frozen disk', at: 'ext4, until thawed', harm: freeze },
    ].flatMap((one) => inEveryState({ ...one, before: mountDisk, undo: unmount })),
};

const imageOf = (device: Device): string => join(device.lab.dir, `${device.name}.img`);

async function mountDisk(device: Device): Promise<void> {
  const kept = `${device.stateDir}.kept`;
  rmSync(kept, { recursive: true, force: true });
  await run('mv', [device.stateDir, kept]);
  mkdirSync(device.stateDir);
  await makeDisk(imageOf(device), DISK.sizeBytes, DISK.inodes);
  await run('mount', ['-o', 'loop', imageOf(device), device.stateDir]);
  await run('cp', ['-a', `${kept}/.`, device.stateDir]);
  await run('sync', ['-f', device.stateDir]);
  rmSync(kept, { recursive: true });
}

async function unmount(device: Device): Promise<void> {
  await tryRun('fsfreeze', ['-u', device.stateDir]);
  await tryRun('umount', [device.stateDir]);
}

/** Off and on again: everything stops, and what had not reached the disk is gone. */
async function cut(device: Device, agent: AgentProcess): Promise<string> {
  agent.signal('SIGSTOP');
  await cutFileSystem(device.stateDir);
  await end(agent);
  await remount(device);
  return 'EXT4_IOC_SHUTDOWN without the journal, SIGKILL, and mounted again';
}

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
  await end(agent);
  await remount(device);
  return proof;
}

async function freeze(device: Device): Promise<string> {
  await run('fsfreeze', ['-f', device.stateDir]);
  await sleep(LASTS_MS);
  // Inference never waits for the disk.
  const answer = await device.lab.application.ask(device.socket);
  await run('fsfreeze', ['-u', device.stateDir]);
  if (!answer && existsSync(device.socket)) throw new Error('nobody answered while the disk was frozen');
  return `FIFREEZE for ${LASTS_MS} ms; ${answer?.named} answered`;
}

async function end(agent: AgentProcess): Promise<void> {
  agent.signal('SIGKILL');
  await agent.ended;
  await agent.untilGone(10_000);
}

async function remount(device: Device): Promise<void> {
  await run('umount', [device.stateDir]);
  await run('mount', ['-o', 'loop', imageOf(device), device.stateDir]);
}
