import { createHash } from 'node:crypto';
import { CodedError } from '@ringfleet/shared/errors';
import { signDocument, type TufKey } from '@ringfleet/shared/trust';
import { Type } from 'typebox';
import { answers } from '../schemas.ts';
import { INSTALL_SCRIPT } from './install-script.ts';
import type { App, PeopleParts } from './parts.ts';

const Packages = Type.Object({
  signed: Type.Object({
    type: Type.Literal('agent-packages'),
    version: Type.String(),
    packages: Type.Array(
      Type.Object({
        file: Type.String(),
        arch: Type.String(),
        sizeBytes: Type.Integer(),
        sha256: Type.String(),
      }),
    ),
  }),
  signatures: Type.Array(Type.Object({ keyid: Type.String(), sig: Type.String() })),
});
const open = { role: 'none' } as const;

/**
 * What a device needs before it has anything: the authority's certificate, a script, and the agent's packages. Nothing here
 * is secret. The fingerprint that comes with the token says that the certificate is this server's, and from there on TLS.
 */
export function installRoutes(app: App, { packages, caPem, onlineKey, config }: PeopleParts): void {
  app.get('/install/ca.pem', { config: open, schema: { hide: true } }, (_request, reply) =>
    reply.type('application/x-pem-file').send(caPem),
  );
  app.get('/install.sh', { config: open, schema: { hide: true } }, (_request, reply) =>
    reply.type('text/x-shellscript; charset=utf-8').send(INSTALL_SCRIPT),
  );
  app.get(
    '/api/v1/agent-packages',
    {
      config: open,
      schema: {
        summary: "The agent's packages of this server's version, signed by its online key",
        tags: ['tokens'],
        response: answers(Packages),
      },
    },
    async () => {
      const signed = {
        type: 'agent-packages',
        version: config.version,
        packages: (await packages.list()).map((one) => ({ ...one })),
      } as const;
      return JSON.parse(signDocument(signed as never, [onlineKey]));
    },
  );
  // For the script, which has nothing that reads JSON: `sha256  file`, a line per package, and the signature of just these bytes.
  const sums = async (): Promise<string> =>
    (await packages.list()).map(({ sha256, file }) => `${sha256}  ${file}\n`).join('');
  app.get('/install/SHA256SUMS', { config: open, schema: { hide: true } }, async (_request, reply) =>
    reply.type('text/plain; charset=utf-8').send(await sums()),
  );
  app.get('/install/SHA256SUMS.sig', { config: open, schema: { hide: true } }, async (_request, reply) =>
    reply.type('application/octet-stream').send(Buffer.from(onlineKey.sign(Buffer.from(await sums())))),
  );
  app.get<{ Params: { file: string } }>(
    '/install/:file',
    { config: open, schema: { hide: true } },
    async (request, reply) => {
      const opened = await packages.open(request.params.file);
      if (!opened) throw new CodedError('BLOB_UNKNOWN', `no package ${request.params.file} is here`);
      return reply
        .type('application/vnd.debian.binary-package')
        .header('content-length', opened.found.sizeBytes)
        .send(opened.bytes);
    },
  );
}

/** One line for the person at the device. It is trusted for the fingerprint of the authority's file, and for the key of the list. */
export function installCommand(url: string, caPem: string, onlineKey: TufKey): string {
  const fingerprint = createHash('sha256').update(caPem).digest('hex');
  return [
    `curl -fsSk -o ringfleet-ca.pem ${url}/install/ca.pem`,
    `echo '${fingerprint}  ringfleet-ca.pem' | sha256sum -c`,
    `curl -fsS --cacert ringfleet-ca.pem -o ringfleet-install.sh ${url}/install.sh`,
    `sudo sh ringfleet-install.sh --url ${url} --ca ringfleet-ca.pem --key ${spkiOf(onlineKey)} --token-file TOKEN_FILE`,
  ].join(' && ');
}

/** RFC 8410: what stands between the lines of an Ed25519 public key's PEM file. */
const SPKI_PREFIX = '302a300506032b6570032100';
const spkiOf = ({ keyval }: TufKey): string =>
  Buffer.from(SPKI_PREFIX + keyval.public, 'hex').toString('base64');
