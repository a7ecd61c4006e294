import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { CodedError } from '@ringfleet/shared/errors';

/** Answers the CLI's questions on a socket that only the owner may open. */
export async function startControlServer(
  path: string,
  status: () => Promise<unknown>,
  /** Answers what else may be asked; false when it does not know the request. */
  more: (req: IncomingMessage, res: ServerResponse) => boolean = () => false,
): Promise<{ stop(): Promise<void> }> {
  const server: Server = createServer((req, res) => {
    if (req.url !== '/status') {
      if (!more(req, res)) res.writeHead(404).end();
      return;
    }
    status().then(
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
export function askStatus(path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void =>
      reject(new CodedError('AGENT_NOT_RUNNING', `nobody answers at ${path}`, { cause, at: path }));
    const req = request({ socketPath: path, path: '/status', timeout: 5_000 }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('error', fail);
      res.on('end', () => {
        try {
          resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')));
        } catch (err) {
          fail(err as Error);
        }
      });
    });
    req.on('timeout', () => req.destroy(new Error('no answer within 5 s')));
    req.on('error', fail);
    req.end();
  });
}
