import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Board } from '../core/provider-advice.ts';

/** Which board and distribution this is, from files that every one of them has. */
export function readBoard(root = '/', arch: string = process.arch): Board {
  const read = (path: string): string => {
    try {
      return readFileSync(join(root, path), 'utf8').replace(/\0/g, '').trim();
    } catch {
      return '';
    }
  };
  const model = read('proc/device-tree/model');
  const release = read('etc/os-release');
  const field = (name: string): string => new RegExp(`^${name}="?([^"\n]*)`, 'm').exec(release)?.[1] ?? '';
  const [id, pretty] = [field('ID'), field('PRETTY_NAME')];
  const name = [model, pretty].filter(Boolean).join(', ') || 'unknown';
  if (existsSync(join(root, 'etc/nv_tegra_release')) || /jetson|tegra/i.test(model))
    return { kind: 'jetson', name, arch };
  if (/raspberry pi/i.test(model)) return { kind: 'raspberryPi', name, arch };
  if (id === 'ubuntu') return { kind: 'ubuntu', name, arch };
  if (id === 'debian' || /\bdebian\b/.test(field('ID_LIKE'))) return { kind: 'debian', name, arch };
  return { kind: 'other', name, arch };
}
