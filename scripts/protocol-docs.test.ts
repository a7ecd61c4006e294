import { parseTopic } from '@ringfleet/shared/protocol';
import { expect, it } from 'vitest';
import { protocolDocs, protocolSchemas } from './protocol-docs.ts';

const docs = protocolDocs();

it('has a heading or a row for every exported schema, and a row for every field of it', () => {
  const schemas = [...protocolSchemas()];
  expect(schemas.map(([name]) => name)).toEqual(
    expect.arrayContaining([
      'Hello',
      'Envelope',
      'StateReport',
      'Telemetry',
      'EventReport',
      'Desired',
      'Ack',
      'EnrollReply',
      'Uuid',
    ]),
  );
  for (const [name, { properties }] of schemas) {
    if (!properties) {
      expect(docs, name).toContain(`</a>${name} |`);
      continue;
    }
    const section = docs.split(`### ${name}\n`)[1]?.split('\n## ')[0]?.split('\n### ')[0] ?? '';
    for (const field of Object.keys(properties))
      expect(section, `${name}.${field}`).toContain(`| \`${field}\` |`);
  }
});

it('names every topic with its message', () => {
  for (const kind of [
    'up/hello',
    'up/state',
    'up/tele',
    'up/event',
    'up/status',
    'dn/desired',
    'dn/ack',
    'dn/cmd',
  ]) {
    expect(() => parseTopic(`rf/1/f/d/${kind}`)).not.toThrow();
    expect(docs).toMatch(new RegExp(`\\| \`${kind}\` \\| \\[\\w+\\]`));
  }
});

it('says types and bounds, and links only to what is there', () => {
  expect(docs).toMatch(/`quarantined\[\]\.seq` \| \[Count\]/);
  expect(docs).toMatch(/`reports` \| array of \[Envelope\]\(#envelope\), up to 256 items/);
  expect(docs).toMatch(/`refused` \| \[Notice\]\(#notice\) \| optional/);
  const anchors = new Set(
    [...docs.matchAll(/^### (\w+)|<a id="(\w+)">/gm)].map(([, a, b]) => (a ?? b ?? '').toLowerCase()),
  );
  for (const [, target = ''] of docs.matchAll(/\]\(#(\w+)\)/g)) expect(anchors).toContain(target);
});
