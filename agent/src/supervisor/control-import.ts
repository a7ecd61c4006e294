import type { IncomingMessage, ServerResponse } from 'node:http';
import { CodedError } from '@ringfleet/shared/errors';
import { checkerOf, type ResultsFile } from '@ringfleet/shared/protocol';
import { Type } from 'typebox';
import type { BundleImport } from './bundle-import.ts';

/** All metadata of a fleet fits many times. */
const MAX_DOCUMENTS_BYTES = 32 * 1024 * 1024;

const Documents = Type.Object({
  bundle: Type.String(),
  files: Type.Record(Type.String({ maxLength: 200 }), Type.String()),
});
const checkDocuments = checkerOf(Documents, 'import', 'METADATA_MALFORMED');
const ARTIFACT = /^\/import\/artifacts\/([0-9a-f]{64})$/;

/** What `ringfleet-agent import` and `export-reports` ask of the running agent; false when it is none of that. */
export function importRoutes(
  bundles: BundleImport,
  results: () => Promise<ResultsFile>,
): (req: IncomingMessage, res: ServerResponse) => boolean {
  const answer = async (req: IncomingMessage, hex: string | undefined): Promise<unknown> => {
    if (req.url === '/results') return results();
    if (hex !== undefined) {
      // Not ended with the iteration: whoever sends too much is still to hear why.
      await bundles.bring(hex, req.iterator({ destroyOnReturn: false }));
      return { ok: true };
    }
    const { bundle, files } = checkDocuments(JSON.parse(await textOf(req)));
    return bundles.take(bundle, files);
  };
  return (req, res) => {
    const hex = ARTIFACT.exec(req.url ?? '')?.[1];
    const isKnown = req.url === '/results' || req.url === '/import' || hex !== undefined;
    if (!isKnown || req.method !== (hex === undefined ? 'POST' : 'PUT')) return false;
    answer(req, hex).then(
      (value) => reply(res, 200, value),
      (err: unknown) => {
        // The rest of a file that is refused is not waited for.
        req.resume();
        reply(res, 409, errorOf(err));
      },
    );
    return true;
  };
}

function reply(res: ServerResponse, status: number, value: unknown): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function errorOf(err: unknown): { code: string; message: string; at?: string } {
  const message = err instanceof Error ? err.message : String(err);
  if (!(err instanceof CodedError)) return { code: 'AGENT_INTERNAL', message };
  return { code: err.code, message, ...(err.at === undefined ? {} : { at: err.at }) };
}

async function textOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_DOCUMENTS_BYTES)
      throw new CodedError('METADATA_TOO_LARGE', `more than ${MAX_DOCUMENTS_BYTES} bytes of documents`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
