import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { ROOT } from './tools.ts';

/** A folder that is filled with what a package installs; the same sources give the same files. */
export class Stage {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
    mkdirSync(dir, { recursive: true });
  }

  /** Copies a file or folder; `from` is absolute or in the repository. */
  copy(from: string, to: string, keep: (path: string) => boolean = () => true): void {
    const source = from.startsWith('/') ? from : join(ROOT, from);
    const target = this.#target(to);
    if (!lstatSync(source).isDirectory()) {
      copyFileSync(source, target);
      return;
    }
    cpSync(source, target, {
      recursive: true,
      dereference: true,
      filter: (path) => path === source || keep(relative(source, path)),
    });
  }

  write(to: string, content: string): void {
    writeFileSync(this.#target(to), content);
  }

  /** `to` becomes a link that reads `text`. */
  link(to: string, text: string): void {
    symlinkSync(text, this.#target(to));
  }

  /**
   * Gives everything the modes of a package, 0755 for folders and what is listed, 0644 for the rest, and one time: dpkg-deb
   * sets what is newer than its epoch to that, and keeps what a copy has kept of older times.
   */
  settle(executables: readonly string[]): void {
    const now = new Date();
    for (const path of this.files(true)) {
      const absolute = join(this.dir, path);
      const stat = lstatSync(absolute);
      if (stat.isSymbolicLink()) continue;
      chmodSync(absolute, stat.isDirectory() || executables.includes(path) ? 0o755 : 0o644);
      utimesSync(absolute, now, now);
    }
    chmodSync(this.dir, 0o755);
  }

  /** Sorted paths of all files and links, and of folders where asked. */
  files(withFolders = false): string[] {
    return readdirSync(this.dir, { recursive: true, withFileTypes: true })
      .filter((entry) => withFolders || !entry.isDirectory())
      .map((entry) => relative(this.dir, join(entry.parentPath, entry.name)))
      .sort();
  }

  #target(to: string): string {
    const target = join(this.dir, to);
    mkdirSync(dirname(target), { recursive: true });
    return target;
  }
}

/** Folders of the packages that these need at run time, in node_modules, by name; optional ones only where installed. */
export function runtimeClosure(names: readonly string[]): string[] {
  const found = new Set<string>();
  const visit = (folder: string): void => {
    if (found.has(folder)) return;
    found.add(folder);
    const { dependencies = {} } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as {
      dependencies?: Record<string, string>;
    };
    for (const name of Object.keys(dependencies)) visit(resolveFrom(folder, name));
  };
  for (const name of names) visit(resolveFrom('fleet-server', name));
  return [...found].sort();
}

function resolveFrom(folder: string, name: string): string {
  for (let at = folder; ; at = dirname(at)) {
    const candidate = join(at === '.' ? '' : at, 'node_modules', name);
    if (existsSync(join(ROOT, candidate, 'package.json'))) return candidate;
    if (at === '.') throw new Error(`${name}, which ${folder} needs, is not installed`);
  }
}
