import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run, tryRun } from '../../lab/command.ts';
import { cutFileSystem, makeDisk } from '../../lab/disk.ts';
import type { AgentProcess } from './agent-process.ts';
import type { Device } from './device.ts';

export const DISK = { sizeBytes: 48 * 1024 * 1024, inodes: 600 };
/** Nothing reaches the disk by itself for as long as a case takes: neither by the clock nor by ext4's guess that a rename wants its data. */
const OPTIONS = 'loop,noauto_da_alloc,commit=300';

/** Moves the state folder of a stopped device to an ext4 file system of its own, mounted in its place. */
export async function mountDisk(device: Device): Promise<void> {
  const kept = `${device.stateDir}.kept`;
  rmSync(kept, { recursive: true, force: true });
  await run('mv', [device.stateDir, kept]);
  mkdirSync(device.stateDir);
  await makeDisk(imageOf(device), DISK.sizeBytes, DISK.inodes);
  await run('mount', ['-o', OPTIONS, imageOf(device), device.stateDir]);
  await run('cp', ['-a', `${kept}/.`, device.stateDir]);
  await run('sync', ['-f', device.stateDir]);
  rmSync(kept, { recursive: true });
}

export async function unmountDisk(device: Device): Promise<void> {
  await tryRun('fsfreeze', ['-u', device.stateDir]);
  await tryRun('umount', [device.stateDir]);
}

/** Off and on again, with the agent standing still: everything ends, and what had not reached the disk is gone. */
export async function cutPower(device: Device, agent: AgentProcess): Promise<string> {
  await cutFileSystem(device.stateDir);
  await killAtOnce(agent);
  await remountDisk(device);
  return 'EXT4_IOC_SHUTDOWN without the journal, SIGKILL, and mounted again';
}

export async function killAtOnce(agent: AgentProcess): Promise<void> {
  agent.killAll();
  await agent.ended;
  await agent.untilGone(10_000);
}

export async function remountDisk(device: Device): Promise<void> {
  await run('umount', [device.stateDir]);
  await run('mount', ['-o', OPTIONS, imageOf(device), device.stateDir]);
}

const imageOf = (device: Device): string => join(device.lab.dir, `${device.name}.img`);
