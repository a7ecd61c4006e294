import * as protocol from '@ringfleet/shared/protocol';
import { IsSchema } from 'typebox';

/** The part of JSON Schema that the protocol uses. */
interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

/** Where each message travels; what stands in none is part of another message. */
const PLACES: readonly (readonly [place: string, message: string, says: string])[] = [
  ['`up/hello`', 'Hello', 'on every connect, not numbered: the newest wins'],
  ['`up/state`', 'Envelope', 'body: `StateReport`, or `Tombstone`'],
  ['`up/tele`', 'Envelope', 'body: `Telemetry`, or `Tombstone`'],
  ['`up/event`', 'Envelope', 'body: `EventReport`, or `Tombstone`'],
  ['`up/status`', 'Status', 'birth message and last will, not numbered'],
  ['`dn/desired`', 'Desired', 'a hint with the signed assignment; also a refusal or a warning'],
  ['`dn/ack`', 'Ack', 'per sequence: stored up to, and what was quarantined'],
  ['`dn/cmd`', 'Command', 'a request; answered by an event of kind `answer`'],
  ['enrollment token', 'EnrollmentToken', 'base64url of this JSON after `rfe1.`'],
  ['`POST /device/v1/enroll`', 'EnrollRequest', 'on the listener for people: no client certificate yet'],
  ['its answer', 'EnrollReply', 'certificate and addresses'],
  ['`POST /device/v1/reports`', 'ReportsRequest', 'the same messages when MQTT is blocked'],
  ['its answer', 'ReportsReply', 'the acknowledgements'],
  ['`results/DEVICE.json`', 'ResultsFile', 'on a stick; its `payload` is the JSON of `Results`'],
  ['`acks/DEVICE.json`', 'CarriedAcks', 'in a bundle: what the server has stored'],
];

/** Every exported schema of the protocol, by name. */
export function protocolSchemas(): ReadonlyMap<string, Schema> {
  const found = Object.entries(protocol).filter(
    ([name, value]) => /^[A-Z][a-z]/.test(name) && IsSchema(value),
  );
  return new Map(found.map(([name, value]) => [name, value as Schema]));
}

/** docs/protocol.md, from the schemas. */
export function protocolDocs(): string {
  const schemas = protocolSchemas();
  const names = new Map([...schemas].map(([name, schema]) => [schema, name]));
  const objects = [...schemas].filter(([, schema]) => schema.properties);
  const values = [...schemas].filter(([, schema]) => !schema.properties);
  return [
    '# Protocol between device and server',
    '',
    'Generated from `shared/src/protocol` by the build. Receivers ignore fields they do not know and refuse a version `v` they',
    'do not know. Times are integer milliseconds since the epoch.',
    '',
    '## Where messages travel',
    '',
    `MQTT 3.1.1, QoS 1, no retained messages, clean sessions; topics are \`${topicOf()}\`. A device publishes to its own \`up/#\``,
    'and subscribes to its own `dn/#`. A payload is plain JSON (first byte `{`) or raw deflate of JSON (first byte 0x01);',
    `at most ${protocol.MAX_PAYLOAD_BYTES} bytes as sent and ${protocol.MAX_INFLATED_BYTES} inflated. HTTP is the way in when MQTT is blocked.`,
    '',
    '| where | message | what it is |',
    '|---|---|---|',
    ...PLACES.map(([place, message, says]) => `| ${place} | ${link(message)} | ${says} |`),
    '',
    '## Messages and their parts',
    '',
    ...objects.flatMap(([name, schema]) => [`### ${name}`, '', ...fields(schema, names), '']),
    '## Values',
    '',
    '| name | what it may be |',
    '|---|---|',
    ...values.map(
      ([name, schema]) => `| <a id="${name.toLowerCase()}"></a>${name} | ${plain(schema, names)} |`,
    ),
    '',
  ].join('\n');
}

type Names = ReadonlyMap<Schema, string>;

function fields(schema: Schema, names: Names): string[] {
  return ['| field | type | |', '|---|---|---|', ...rows(schema, '', names)];
}

/** Objects without a name of their own are written out below their field. */
function rows(schema: Schema, prefix: string, names: Names): string[] {
  const required = new Set(schema.required);
  return Object.entries(schema.properties ?? {}).flatMap(([key, field]) => {
    const path = `${prefix}${key}`;
    const row = `| \`${path}\` | ${typeOf(field, names)} | ${required.has(key) ? '' : 'optional'} |`;
    const inner = field.items && !nameOf(field.items, names) ? field.items : field;
    if (nameOf(inner, names) || !inner.properties) return [row];
    return [row, ...rows(inner, `${path}${inner === field ? '' : '[]'}.`, names)];
  });
}

/** Type.Optional copies a schema, so that it is found again by what it says. */
function nameOf(schema: Schema, names: Names): string | undefined {
  const direct = names.get(schema);
  if (direct) return direct;
  const text = JSON.stringify(schema);
  for (const [one, name] of names) if (JSON.stringify(one) === text) return name;
  return undefined;
}

function typeOf(schema: Schema, names: Names): string {
  const name = nameOf(schema, names);
  return name ? link(name) : plain(schema, names);
}

function plain(schema: Schema, names: Names): string {
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.anyOf) return schema.anyOf.map((one) => typeOf(one, names)).join(', ');
  if (schema.items) {
    const item =
      schema.items.properties && !nameOf(schema.items, names) ? 'object' : typeOf(schema.items, names);
    return `array of ${item}${bounds(schema.minItems, schema.maxItems, 'items')}`;
  }
  const record = Object.values(schema.patternProperties ?? {})[0];
  if (record) return `map of string to ${typeOf(record, names)}`;
  switch (schema.type) {
    case 'string':
      if (schema.pattern) {
        return `string matching \`${schema.pattern.replaceAll('|', '\\|')}\`${bounds(undefined, schema.maxLength, 'characters')}`;
      }
      return `string${bounds(schema.minLength, schema.maxLength, 'characters')}`;
    case 'integer':
    case 'number':
      return `${schema.type}${bounds(schema.minimum, schema.maximum, '')}`;
    case undefined:
      return 'any JSON';
    default:
      return schema.type;
  }
}

function bounds(minimum: number | undefined, maximum: number | undefined, unit: string): string {
  const text = [
    minimum === undefined ? '' : `from ${minimum}`,
    maximum === undefined ? '' : `up to ${maximum}`,
  ]
    .filter(Boolean)
    .join(' ');
  return text ? `, ${text}${unit && ` ${unit}`}` : '';
}

const link = (name: string): string => `[${name}](#${name.toLowerCase()})`;

const topicOf = (): string =>
  protocol
    .buildTopic({ fleet: 'FLEET', device: 'DEVICE', direction: 'up', kind: 'hello' })
    .replace('up/hello', 'up|dn/KIND');
