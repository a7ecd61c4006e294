import { describe, expect, it } from 'vitest';
import { MAX_METADATA_BYTES, parseStrict } from './strict-json.ts';

describe('strict JSON', () => {
  it('parses what every parser understands in the same way', () => {
    const text = ' {"a": [1, -2, {"b": "x:\\"{[.5e1"}], "c": null, "d": true} ';
    expect(parseStrict(text)).toEqual(JSON.parse(text));
  });

  it.each([
    ['the same key twice', '{"a":1,"b":{},"a":2}'],
    ['the same key twice, once escaped', '{"a":1,"\\u0061":2}'],
    ['the same key twice, deep inside', '[{"x":[{"k":1,"k":1}]}]'],
    ['a float', '{"a":1.5}'],
    ['an integer written as a float', '{"a":1.0}'],
    ['an exponent', '{"a":1e2}'],
    ['a capital exponent', '{"a":1E2}'],
    ['a number beyond what is exact', '{"a":9007199254740993}'],
    ['nesting', `${'['.repeat(17)}${']'.repeat(17)}`],
    ['nesting without end', '['.repeat(200_000)],
    ['a prototype key', '{"__proto__":{"a":1}}'],
    ['a lone surrogate', '{"a":"\\ud800"}'],
    ['text after the document', '{} {}'],
    ['an unterminated string', '{"a":"\\"\\"'],
    ['a comment', '{/* : */}'],
    ['nothing', ''],
  ])('refuses %s', (_, text) => {
    expect(() => parseStrict(text)).toThrow(expect.objectContaining({ code: 'METADATA_MALFORMED' }));
  });

  it('refuses more than 512 KiB before it parses, counted in bytes', () => {
    const tooLarge = expect.objectContaining({ code: 'METADATA_TOO_LARGE' });
    expect(() => parseStrict(`"${'x'.repeat(MAX_METADATA_BYTES)}"`)).toThrow(tooLarge);
    expect(() => parseStrict(`"${'ß'.repeat(MAX_METADATA_BYTES / 2)}"`)).toThrow(tooLarge);
  });
});
