import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder that a box has in one cgroup hierarchy of the host. */
export interface BoxCgroup {
  readonly mount: string;
  /** Options of a v1 hierarchy ("memory", "name=systemd"); "-" for v2. */
  readonly options: string;
  readonly folder: string;
}

/** Makes the folders of a box below the caller's own cgroup in every hierarchy: v1, hybrid or pure v2. */
export function makeCgroups(name: string): BoxCgroup[] {
  return hierarchies().map(({ mount, options }) => {
    const own = join(mount, ownPath(options));
    // Pure v2 hands no controllers on from a cgroup that holds processes, so the box hangs off the root there.
    const parent = options === '-' && mount === '/sys/fs/cgroup' ? mount : own;
    if (parent === mount && options === '-') handOnControllers(mount);
    const folder = join(parent, `box-${name}`);
    mkdirSync(folder, { recursive: true });
    if (options.split(',').includes('cpuset')) inheritCpuset(parent, folder);
    return { mount, options, folder };
  });
}

/** Takes a process out of the box's cgroups, into their parents. */
export function leaveCgroups(cgroups: readonly BoxCgroup[], pid: number): void {
  for (const { folder } of cgroups) writeFileSync(join(dirname(folder), 'cgroup.procs'), String(pid));
}

/** Removes what the box left. All of its processes are gone by then. */
export function removeCgroups(cgroups: readonly BoxCgroup[]): void {
  for (const { folder } of cgroups) removeBelow(folder);
}

/** The v2 folder of a box: the one that can be frozen. */
export function unifiedFolder(cgroups: readonly BoxCgroup[]): string {
  const unified = cgroups.find(({ options }) => options === '-');
  if (!unified) throw new Error('this host has no cgroup v2 hierarchy to freeze a box in');
  return unified.folder;
}

function hierarchies(): { mount: string; options: string }[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [left = '', right = ''] = line.split(' - ');
      const [type, , superOptions = ''] = right.split(' ');
      const mount = left.split(' ')[4] ?? '';
      if (type === 'cgroup2') return [{ mount, options: '-' }];
      if (type !== 'cgroup') return [];
      const options = superOptions.split(',').filter((one) => !/^(rw|ro|xattr|release_agent.*)$/.test(one));
      return [{ mount, options: options.join(',') }];
    });
}

/** Where this process is in a hierarchy. */
function ownPath(options: string): string {
  for (const line of readFileSync('/proc/self/cgroup', 'utf8').split('\n')) {
    const [, controllers, path = '/'] = line.split(':');
    if (controllers === (options === '-' ? '' : options)) return path;
  }
  return '/';
}

function handOnControllers(root: string): void {
  for (const one of ['cpu', 'io', 'memory', 'pids', 'cpuset']) {
    try {
      writeFileSync(join(root, 'cgroup.subtree_control'), `+${one}`);
    } catch {
      // Not compiled in, or bound to v1: the box goes without.
    }
  }
}

function inheritCpuset(parent: string, folder: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    writeFileSync(join(folder, file), readFileSync(join(parent, file)));
  }
  writeFileSync(join(folder, 'cgroup.clone_children'), '1');
}

function removeBelow(folder: string): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeBelow(join(folder, entry.name));
  }
  try {
    rmdirSync(folder);
  } catch {
    // A process of the box that the kernel has not reaped yet; an empty cgroup harms nobody.
  }
}
