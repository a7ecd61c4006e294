import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from './tools.ts';

const SENTENCE = /^[^\n]+\.\n$/;
/** What the maintainer scripts ask a system with; all others are its own. */
const DEBIAN_12 = {
  systemctl: 'echo "systemd 252 (252.39-1~deb12u2)"',
  getconf: 'echo "glibc 2.36"',
  // dpkg --compare-versions A lt B
  dpkg: '[ "$(printf "%s\\n" "$2" "$4" | sort -V | head -n 1)" = "$2" ] && [ "$2" != "$4" ]',
};
let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'rf-preinst-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe.each(['agent', 'fleet-server'])('the package of the %s', (side) => {
  it('is taken by a system that has everything', () => {
    expect(preinst(side, DEBIAN_12)).toEqual({ status: 0, said: '' });
    expect(preinst(side, { ...DEBIAN_12, getconf: 'echo "glibc 2.34"' }).status).toBe(0);
  });

  it.each([
    ['an old C library', { getconf: 'echo "glibc 2.31"' }, 'glibc 2.34 or newer'],
    ['musl, whose getconf knows no glibc', { getconf: 'exit 1' }, 'this system has another libc'],
    ['no getconf at all', { getconf: null }, 'this system has another libc'],
    ['no systemd', { systemctl: null }, 'this system has none'],
    ['an old systemd', { systemctl: 'echo "systemd 247 (247.3-7)"' }, 'this system has 247'],
    ['something else for systemctl', { systemctl: 'exit 1' }, 'this system has another one'],
  ])('is refused in one sentence by a system with %s', (_, facts, why) => {
    const { status, said } = preinst(side, { ...DEBIAN_12, ...facts });
    expect([status, said]).toEqual([1, expect.stringContaining(why)]);
    expect(said).toMatch(SENTENCE);
  });
});

describe('the tarball', () => {
  it('is refused in one sentence where its Node cannot run', () => {
    const bin = join(dir, 'usr-bin');
    mkdirSync(bin);
    copyFileSync(join(ROOT, 'agent/packaging/ringfleet-agent.sh'), join(bin, 'ringfleet-agent'));
    // As with another processor or C library: there, and cannot be executed.
    writeFileSync(join(bin, 'node'), '\x7fELF of another kind', { mode: 0o755 });
    const { status, stderr } = spawnSync('sh', [join(bin, 'ringfleet-agent'), 'install'], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([1, expect.stringMatching(SENTENCE)]);
  });
});

/** Runs the script where only these tools tell of the system. */
function preinst(side: string, facts: Readonly<Record<string, string | null>>) {
  const bin = mkdtempSync(join(dir, 'bin-'));
  for (const tool of ['sh', 'sed', 'cut', 'sort', 'head']) {
    const { stdout } = spawnSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' });
    symlinkSync(stdout.trim(), join(bin, tool));
  }
  for (const [tool, body] of Object.entries(facts)) {
    if (body === null) continue;
    writeFileSync(join(bin, tool), `#!/bin/sh\n${body}\n`);
    chmodSync(join(bin, tool), 0o755);
  }
  const script = join(ROOT, side, 'packaging/debian/preinst');
  const { status, stderr } = spawnSync(join(bin, 'sh'), [script, 'install'], {
    env: { PATH: bin },
    encoding: 'utf8',
  });
  return { status, said: stderr };
}
