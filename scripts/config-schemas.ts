import { AgentConfig, DEFAULTS } from '../agent/src/config.ts';
import { CONFIG_KEYS } from '../fleet-server/src/config-keys.ts';

const DRAFT = 'https://json-schema.org/draft/2020-12/schema';

/** docs/schemas: what editors check agent.yaml and server.yaml with, from what the programs check them with. */
export function configSchemas(): Readonly<Record<string, object>> {
  return { 'agent.schema.json': agentSchema(), 'server.schema.json': serverSchema() };
}

/** Every section and key may be left out: then its default holds. */
function agentSchema(): object {
  const sections = structuredClone(AgentConfig.properties) as unknown as Record<string, Section>;
  for (const [name, section] of Object.entries(sections)) {
    delete section.required;
    for (const [key, value] of Object.entries(DEFAULTS[name as keyof typeof DEFAULTS] ?? {})) {
      Object.assign(section.properties[key] ?? {}, { default: value });
    }
  }
  return document('agent.yaml', sections);
}

function serverSchema(): object {
  const properties: Record<string, object> = {};
  for (const [key, { help, allowed, schema }] of Object.entries(CONFIG_KEYS)) {
    const described = { ...schema, description: `${help}: ${allowed}` };
    const [section = '', name] = key.split('.');
    if (name === undefined) {
      properties[section] = described;
      continue;
    }
    properties[section] ??= { type: 'object', properties: {}, additionalProperties: false };
    Object.assign((properties[section] as Section).properties, { [name]: described });
  }
  return document('server.yaml', properties);
}

interface Section {
  properties: Record<string, object>;
  required?: readonly string[];
}

const document = (title: string, properties: object): object => ({
  $schema: DRAFT,
  title,
  type: 'object',
  properties,
  additionalProperties: false,
});
