import { CodedError } from '@ringfleet/shared/errors';
import type { Device } from './domain.ts';
import { factsOf } from './facts.ts';
import { type Token, tokenize } from './selector-tokens.ts';

/** One condition on one label or fact. `values` is empty for `exists` and `absent`. */
export interface Requirement {
  readonly key: string;
  readonly operator: 'in' | 'notIn' | 'exists' | 'absent';
  readonly values: readonly string[];
}
/** All requirements must hold; none at all matches every device. */
export type Selector = readonly Requirement[];

/**
 * Parses Kubernetes' label-selector grammar: `a=b,c!=d,e in (x,y),f notin (z),g,!h`. Facts are keys that begin with
 * `fact.`, as in `fact.arch=arm64`. Throws SELECTOR_INVALID naming the position.
 */
export function parseSelector(text: string): Selector {
  const reader = new Reader(text);
  const requirements: Requirement[] = [];
  if (reader.isAtEnd) return requirements;
  for (;;) {
    requirements.push(requirement(reader));
    if (reader.isAtEnd) return requirements;
    reader.expect(',');
  }
}

/** As in Kubernetes, `!=` and `notin` hold where the key is absent too. */
export function matches(selector: Selector, device: Pick<Device, 'labels' | 'capabilities'>): boolean {
  const facts = factsOf(device.capabilities);
  return selector.every(({ key, operator, values }) => {
    const value = key.startsWith('fact.') ? facts.get(key) : ownValue(device.labels, key);
    switch (operator) {
      case 'in':
        return value !== undefined && values.includes(value);
      case 'notIn':
        return value === undefined || !values.includes(value);
      case 'exists':
        return value !== undefined;
      case 'absent':
        return value === undefined;
      default:
        return operator satisfies never;
    }
  });
}

function requirement(reader: Reader): Requirement {
  if (reader.take('!')) return { key: reader.key(), operator: 'absent', values: [] };
  const key = reader.key();
  if (reader.take('=') || reader.take('==')) return { key, operator: 'in', values: [reader.value()] };
  if (reader.take('!=')) return { key, operator: 'notIn', values: [reader.value()] };
  if (reader.takeWord('in')) return { key, operator: 'in', values: reader.list() };
  if (reader.takeWord('notin')) return { key, operator: 'notIn', values: reader.list() };
  return { key, operator: 'exists', values: [] };
}

const ownValue = (labels: Readonly<Record<string, string>>, key: string): string | undefined =>
  Object.hasOwn(labels, key) ? labels[key] : undefined;

const KEY = /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const VALUE = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/** Walks over the tokens and says where it stood when something did not fit. */
class Reader {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(text: string) {
    this.#tokens = tokenize(text);
  }

  get #token(): Token {
    return this.#tokens[this.#next] as Token;
  }

  get isAtEnd(): boolean {
    return this.#token.kind === 'end';
  }

  take(symbol: string): boolean {
    if (this.#token.kind !== 'symbol' || this.#token.text !== symbol) return false;
    this.#next++;
    return true;
  }

  takeWord(word: string): boolean {
    if (this.#token.kind !== 'word' || this.#token.text !== word) return false;
    this.#next++;
    return true;
  }

  expect(symbol: string): void {
    if (!this.take(symbol)) this.#fail(`expected "${symbol}"`);
  }

  key(): string {
    if (this.#token.kind !== 'word' || !KEY.test(this.#token.text))
      this.#fail('expected a label or fact name');
    return this.#word();
  }

  /** An empty value is a value: `a=` asks for the label `a` set to nothing. */
  value(): string {
    if (this.#token.kind !== 'word') return '';
    if (!VALUE.test(this.#token.text)) this.#fail('expected a value of letters, digits, ".", "_" and "-"');
    return this.#word();
  }

  list(): readonly string[] {
    this.expect('(');
    const values = [this.value()];
    while (this.take(',')) values.push(this.value());
    this.expect(')');
    return values;
  }

  #word(): string {
    const { text } = this.#token;
    this.#next++;
    return text;
  }

  #fail(expected: string): never {
    const { kind, text, position } = this.#token;
    const found = kind === 'end' ? 'the end' : `"${text}"`;
    throw new CodedError('SELECTOR_INVALID', `At position ${position}: ${expected}, found ${found}.`, {
      at: `selector:${position}`,
    });
  }
}
