import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Stage } from './stage.ts';
import { type DebArch, runTool } from './tools.ts';

export interface DebOptions {
  readonly name: string;
  readonly version: string;
  readonly arch: DebArch;
  readonly description: string;
  readonly depends: readonly string[];
  readonly conffiles: readonly string[];
  /** Maintainer scripts by name: `postinst` and so on. */
  readonly scripts: Readonly<Record<string, string>>;
  /** For tests: bigger and ready sooner. */
  readonly isFast: boolean;
  /** Time of everything in the package, epoch seconds. */
  readonly epoch: string;
}

/** Builds a .deb of what is staged, without being root; returns its path. The same input gives the same bytes. */
export function buildDeb(stage: Stage, outDir: string, options: DebOptions): string {
  const { name, version, arch, description, depends, conffiles, scripts, isFast, epoch } = options;
  const control = join(stage.dir, 'DEBIAN');
  rmSync(control, { recursive: true, force: true });
  mkdirSync(control);
  // The modes are in the package, whatever the builder's umask is.
  chmodSync(control, 0o755);
  const write = (file: string, content: string, mode = 0o644): void => {
    const path = join(control, file);
    writeFileSync(path, content);
    chmodSync(path, mode);
  };
  const fields = {
    Package: name,
    Version: version,
    Architecture: arch,
    Maintainer: 'Ringfleet developers <ringfleet@example.org>',
    Section: 'misc',
    Priority: 'optional',
    Homepage: 'https://example.org/ringfleet',
    Depends: depends.join(', '),
    Description: description,
  };
  const lines = Object.entries(fields).map(([key, value]) => `${key}: ${value}\n`);
  write('control', lines.join(''));
  if (conffiles.length > 0) write('conffiles', `${conffiles.join('\n')}\n`);
  for (const [script, content] of Object.entries(scripts)) write(script, content, 0o755);
  const file = join(outDir, `${name}_${version}_${arch}.deb`);
  mkdirSync(outDir, { recursive: true });
  const compression = isFast ? ['-Znone'] : ['-Zxz', '-z6'];
  runTool('dpkg-deb', ['--root-owner-group', ...compression, '--build', stage.dir, file], {
    env: { SOURCE_DATE_EPOCH: epoch },
  });
  rmSync(control, { recursive: true });
  return file;
}

/** The same files as a tarball, for systems without dpkg. */
export function buildTarball(stage: Stage, file: string, top: string, epoch: string): string {
  const owner = ['--owner=0', '--group=0', '--numeric-owner'];
  runTool('tar', [
    ...['--sort=name', `--mtime=@${epoch}`, ...owner, '--use-compress-program=gzip -n -6'],
    ...['-cf', file, '-C', stage.dir, `--transform=flags=r;s,^\\.,${top},`, '.'],
  ]);
  return file;
}
