import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { CodedError } from '@ringfleet/shared/errors';

/** What the socket answers: name → the answer to one line of text. */
export type ControlVerbs = Readonly<Record<string, (text: string) => Promise<unknown>>>;

const MAX_TEXT_BYTES = 4_096;

/** Answers the CLI's questions on a socket that only the owner may open. `status` is asked with GET, the rest with POST. */
export async function startControlServer(
  path: string,
  verbs: ControlVerbs,
  /** Answers what else may be asked; false when it does not know the request. */
  more: (req: IncomingMessage, res: ServerResponse) => boolean = () => false,
): Promise<{ stop(): Promise<void> }> {
  const server: Server = createServer((req, res) => {
    const name = (req.url ?? '').slice(1);
    const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
    if (!verb || (req.method === 'GET') !== (name === 'status')) {
      if (!more(req, res)) res.writeHead(404).end();
      return;
    }
    readText(req)
      .then(verb)
      .then(
        (value) => res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value)),
        (err: unknown) => res.writeHead(500).end(String(err)),
      );
  });
  // The state folder's lock is ours by now, so a socket that is there is a dead agent's.
  await rm(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve());
  });
  await chmod(path, 0o600);
  return {
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await rm(path, { force: true });
    },
  };
}

/** Throws AGENT_NOT_RUNNING. */
export const askStatus = (path: string): Promise<unknown> => askAgent(path, 'status');

/** Asks the running agent for one of its verbs. Throws AGENT_NOT_RUNNING, AGENT_INTERNAL. */
export function askAgent(path: string, verb: string, text = ''): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void =>
      reject(new CodedError('AGENT_NOT_RUNNING', `nobody answers at ${path}`, { cause, at: path }));
    const method = verb === 'status' ? 'GET' : 'POST';
    const req = request({ socketPath: path, path: `/${verb}`, method, timeout: 5_000 }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('error', fail);
      res.on('end', () => {
        const answer = Buffer.concat(chunks).toString('utf8');
        try {
          if (res.statusCode !== 200)
            throw new CodedError('AGENT_INTERNAL', answer || `status ${res.statusCode}`);
          resolve(JSON.parse(answer));
        } catch (err) {
          if (err instanceof CodedError) reject(err);
          else fail(err as Error);
        }
      });
    });
    req.on('timeout', () => req.destroy(new Error('no answer within 5 s')));
    req.on('error', fail);
    req.end(text);
  });
}

async function readText(req: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of req.setEncoding('utf8')) {
    text += chunk;
    if (text.length > MAX_TEXT_BYTES) throw new Error('the request is too long');
  }
  return text;
}
