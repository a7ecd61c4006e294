/// <reference types="node" />
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const css = readFileSync(new URL('tokens.css', import.meta.url), 'utf8');

const GROUNDS = ['ground', 'surface', 'raised'];
const TONES = ['ok', 'moving', 'warn', 'bad', 'quiet'];
const AA_TEXT = 4.5;
const AA_SHAPE = 3;

const textOnGround: [string, string][] = [
  ...['text', 'text-soft', ...TONES.map((tone) => `tone-${tone}`)].flatMap((front) =>
    GROUNDS.map((ground): [string, string] => [front, ground]),
  ),
  ...TONES.flatMap((tone): [string, string][] => [
    [`tone-${tone}`, `tone-${tone}-ground`],
    ['text', `tone-${tone}-ground`],
  ]),
  ['accent', 'surface'],
  ['on-accent', 'accent'],
  ['on-accent', 'accent-strong'],
];

it.each(textOnGround)('writes %s on %s with AA contrast in both themes', (front, ground) => {
  expect(contrast(colour(front, 0), colour(ground, 0))).toBeGreaterThanOrEqual(AA_TEXT);
  expect(contrast(colour(front, 1), colour(ground, 1))).toBeGreaterThanOrEqual(AA_TEXT);
});

it.each(['focus', 'line-strong'])('shows the shape of %s against every ground', (front) => {
  for (const ground of GROUNDS) {
    expect(contrast(colour(front, 0), colour(ground, 0))).toBeGreaterThanOrEqual(AA_SHAPE);
    expect(contrast(colour(front, 1), colour(ground, 1))).toBeGreaterThanOrEqual(AA_SHAPE);
  }
});

function colour(token: string, theme: 0 | 1): string {
  const found = new RegExp(`--${token}: light-dark\\((#[0-9a-f]{6}), (#[0-9a-f]{6})\\)`).exec(css);
  const hex = found?.[theme + 1];
  if (!hex) throw new Error(`tokens.css has no --${token}`);
  return hex;
}

/** WCAG 2.2: contrast ratio of two sRGB colours. */
function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
