import { readFileSync } from 'node:fs';
import { CodedError } from '@ringfleet/shared/errors';
import { parseDocument } from 'yaml';
import { parseDuration } from '../core/duration.ts';
import { readPlanFile } from '../core/plan-file.ts';
import type { RolloutPlanSpec } from '../core/plan-schema.ts';
import { parseShare } from '../core/share.ts';
import type { CliContext } from './context.ts';

const usage = (message: string): CodedError => new CodedError('USAGE_INVALID', message);

/** `MODEL@VERSION`. */
export function releaseArgument(text: string): { model: string; version: string } {
  const [model, version, ...rest] = text.split('@');
  if (model && version && rest.length === 0) return { model, version };
  throw usage(`"${text}" is not MODEL@VERSION, for instance doorbell@1.2.0`);
}

/** `5%`, as basis points. */
export function shareOption(text: string | undefined): number | null {
  if (text === undefined) return null;
  const basisPoints = parseShare(text);
  if (basisPoints) return basisPoints;
  throw usage(`--share ${text} is not a share between 0.01% and 100%, like 5%`);
}

export function durationOption(flag: string, text: string): number {
  const ms = parseDuration(text);
  if (ms) return ms;
  throw usage(`${flag} ${text} is not a duration like 30m or 24h`);
}

export function wholeNumberOption(flag: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw usage(`${flag} ${text} is not a whole number`);
}

/** `--label site=hall-2 --label tier=a`. */
export function labelOptions(texts: readonly string[]): Record<string, string> {
  const pairs = texts.map((text): [string, string] => {
    const at = text.indexOf('=');
    if (at < 1) throw usage(`--label ${text} is not KEY=VALUE`);
    return [text.slice(0, at), text.slice(at + 1)];
  });
  return Object.fromEntries(pairs);
}

/** Collects a flag that may be given several times. */
export const collect = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
];

/** The spec of a plan file in YAML or JSON. Throws FILE_UNREADABLE, PLAN_INVALID with line or field. */
export const planFromFile = (path: string): RolloutPlanSpec => readPlanFile(yamlFile(path)).spec;

/** What a YAML or JSON file says; its fields are checked by whom it is sent to. Throws FILE_UNREADABLE, PLAN_INVALID with the line. */
export function yamlFile(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CodedError('FILE_UNREADABLE', path, { cause });
  }
  const document = parseDocument(text);
  const broken = document.errors[0];
  if (broken) throw new CodedError('PLAN_INVALID', broken.message, { at: path, cause: broken });
  return document.toJS();
}

/** Every item of a list, page by page. */
export async function allItems<T>(context: CliContext, path: string): Promise<readonly T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const url = new URL(path, 'http://list.invalid/');
    url.searchParams.set('limit', '500');
    if (cursor !== null) url.searchParams.set('cursor', cursor);
    const page = (await context.request('GET', url.pathname + url.search)) as {
      items: readonly T[];
      next: string | null;
    };
    items.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  return items;
}
