import { closeSync, ftruncateSync, openSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import koffi from 'koffi';
import { run } from './command.ts';

const EXT4_IOC_SHUTDOWN = 0x8004_587d;
/** Drop what is not on the disk, the journal's open transaction included. */
const NO_LOG_FLUSH = 2;
const SECTOR_BYTES = 512;

/** Makes an empty ext4 image of this size, in bytes; `inodes` bounds how many files fit. */
export async function makeDisk(path: string, sizeBytes: number, inodes?: number): Promise<void> {
  const file = openSync(path, 'w');
  ftruncateSync(file, sizeBytes);
  closeSync(file);
  await run('mkfs.ext4', ['-q', '-F', '-m', '0', ...(inodes ? ['-N', String(inodes)] : []), path]);
}

/** The loop device that holds an image now, `/dev/loop3`; null when none does. */
export async function loopDeviceOf(image: string): Promise<string | null> {
  const { stdout } = await run('losetup', ['--list', '--noheadings', '--output', 'NAME', '-j', image]);
  return stdout.trim().split('\n')[0] || null;
}

/** Bytes that have reached the block device since it was attached. */
export function bytesWritten(loopDevice: string): number {
  const fields = readFileSync(`/sys/block/${basename(loopDevice)}/stat`, 'utf8')
    .trim()
    .split(/\s+/);
  return Number(fields[6]) * SECTOR_BYTES;
}

/** The power cut: from now on the file system mounted at `path` neither writes nor reads. What was not on disk is lost. */
export async function cutFileSystem(path: string): Promise<void> {
  const ioctl = koffi.load('libc.so.6').func('int ioctl(int, unsigned long, ...)');
  const folder = await open(path, 'r');
  try {
    const result = ioctl(folder.fd, EXT4_IOC_SHUTDOWN, 'uint32_t *', [NO_LOG_FLUSH]);
    if (result !== 0) throw new Error(`${path} could not be cut: it is no ext4, or the kernel refused`);
  } finally {
    await folder.close();
  }
}
